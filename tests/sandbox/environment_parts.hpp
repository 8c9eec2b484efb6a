// What an environment is made of, and what its owner is told.
#pragma once

#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "tests/sandbox/extensions_api.hpp"
#include "tests/sandbox/frost.hpp"
#include "tests/sandbox/memory_limit.hpp"
#include "tests/sandbox/process_table.hpp"
#include "tests/sandbox/recorder.hpp"
#include "tests/sandbox/runtime_api.hpp"
#include "tests/sandbox/telemetry_api.hpp"

namespace sandbox {

/// What the world outside does when the environment changes under it.
struct OutsideWorld {
  std::function<void()> frozen, thawed, destroyed;
};

/// What ended an environment, or will.
struct Failure {
  std::string type, text;
};

/// What an environment stands on; all of it outlives the environment.
struct EnvironmentParts {
  asio::io_context& io;
  Condition& changed;
  Frost& frost;
  Recorder& recorder;
  ProcessTable& processes;
  ExtensionsApi& extensions;
  RuntimeApi& runtime;
  TelemetryApi& telemetry;
  const FunctionFacts& function;
  MemoryLimit* memory;  ///< null without one
};

}  // namespace sandbox
