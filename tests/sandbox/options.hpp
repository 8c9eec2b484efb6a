// The command line.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "tests/sandbox/extensions_api.hpp"
#include "tests/sandbox/faults.hpp"
#include "tests/sandbox/isolation.hpp"
#include "tests/sandbox/process_table.hpp"
#include "tests/sandbox/road.hpp"
#include "tests/sandbox/script.hpp"
#include "tests/sandbox/telemetry_api.hpp"

namespace sandbox {

/// Whom the kernel kills when function and extensions have used up their memory; `largest`: whoever
/// has most of it, as the kernel would by itself.
enum class OomVictim { function, extension, largest };

struct Options {
  std::vector<std::string> function;    ///< program and arguments
  std::vector<std::string> extensions;  ///< paths
  std::vector<std::string> env, function_env,
      extension_env;                ///< K=V, placeholders not yet filled in
  std::vector<std::string> events;  ///< used in turn
  std::vector<Step> script;
  std::chrono::milliseconds gap{100};
  FunctionFacts facts;
  unsigned descriptors = 1024;
  OomVictim oom_victim = OomVictim::function;
  IsolationOptions isolation;

  bool capture = true;
  bool tls = false;
  bool tls_resumes = true;
  RoadOptions road;
  Faults faults;

  TelemetryOptions telemetry;
  PipePolicy pipes = PipePolicy::read;
  ForcedAnswer register_answer, next_answer;

  std::string report;  ///< "" none, "-" standard output
  std::string log;
  std::string bodies;  ///< directory for accepted envelopes' bytes
};

/// The options, or the exit code of a run that ends here (usage error, --help), already explained.
struct OptionsReading {
  std::optional<Options> options;
  int exit_code = 0;
};

[[nodiscard]] OptionsReading read_options(int argc, char** argv);

}  // namespace sandbox
