// The environment as values. What cannot be read gets a complaint and its default: a wrong setting
// must not cost the customer an invoke.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "extension/pace.hpp"
#include "proto/failure_event.hpp"
#include "relay/http_upstream.hpp"
#include "relay/log.hpp"
#include "relay/settings.hpp"
#include "relay/snapshot.hpp"

namespace extension {

using Environment = std::map<std::string, std::string, std::less<>>;

/// From environ(7)'s "NAME=value" strings, ended by a null pointer.
[[nodiscard]] Environment to_environment(const char* const* variables);

struct Settings {
  relay::Settings relay;
  relay::Log::Settings log;
  PaceSettings pace;
  relay::HttpUpstream::Settings upstream;
  bool telemetry = true;
  bool journal = true;
  std::string spool_dir = "/tmp/thaw";
  std::uint64_t spool_bytes = 64 * std::uint64_t{relay::kMiB};
  std::string extension_name;   ///< "": the file's own
  std::string runtime_api;      ///< AWS_LAMBDA_RUNTIME_API; "": not started by Lambda
  std::chrono::minutes emf{0};  ///< between two lines of metrics; 0: none
  bool report_failures = true;
  std::size_t failure_log_lines = 0;  ///< of the function's log, in the event of its failure
  /// AWS_LAMBDA_FUNCTION_NAME and its like, SENTRY_RELEASE and SENTRY_ENVIRONMENT.
  proto::FunctionFacts function;
};

struct Complaint {
  std::string variable;
  std::string problem;  ///< what is wrong
  std::string instead;  ///< what is used instead
};

/// "THAW_PORT: \"x\" is not a whole number from 0 to 65535; using 9797"
[[nodiscard]] std::string to_string(const Complaint& complaint);

struct SettingsReading {
  Settings settings;
  /// As people may see them: no key whole, no password.
  std::vector<relay::HostFigures::Setting> in_effect;
  std::vector<Complaint> complaints;
};

/// Where Sentry's own layer puts its extension (getsentry/sentry-javascript:
/// packages/aws-serverless/scripts/buildLambdaLayer.ts; checked 2026-11).
inline constexpr auto kSentryExtension = "/opt/extensions/sentry-extension";

/// Never fails. Empty values count as unset. `beside_sentry`: there is such a file. Its port, 9000,
/// is then left to it, whatever THAW_PORT says: it ends if it finds it taken, and with it the
/// function (same repository: packages/aws-serverless/src/lambda-extension/; checked 2026-11).
[[nodiscard]] SettingsReading read_settings(const Environment& environment,
                                            bool beside_sentry = false);

/// One line of the settings table, as people read it: README and --help.
struct SettingInfo {
  std::string_view name;
  std::string_view fallback;  ///< as the environment would write it; "" for none
  std::string_view unit;      ///< "ms", "MiB" or ""
  std::int64_t min, max;      ///< of a number, both included; else 0, 0
  std::string_view words;     ///< of a choice: what it may be, separated by ", "
  std::string_view meaning;
};

/// In the order people read them.
[[nodiscard]] std::vector<SettingInfo> settings_table();

}  // namespace extension
