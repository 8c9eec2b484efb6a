// What the platform's words for a failure mean. Pure.
// AWS docs, "Lambda Telemetry API Event schema reference" and "Understanding the Lambda execution
// environment lifecycle"; the emulator's words: aws/aws-lambda-runtime-interface-emulator
// internal/lambda/rapidcore/server.go (checked 2026-11).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proto/failure_event.hpp"
#include "relay/clock.hpp"

namespace extension {

/// A SHUTDOWN that says that the invoke which is open has failed.
enum class ShutdownCause { none, timeout, failure };

/// In any case: timeout; failure, or the emulator's ReleaseFail. Everything else, spindown above
/// all, is none.
[[nodiscard]] ShutdownCause cause_of(std::string_view shutdown_reason);

/// Whatever is "" has not been said.
struct Evidence {
  bool init = false;             ///< of an init or a restore, not of an invoke
  std::string_view status;       ///< success, timeout, error, failure
  std::string_view error_type;   ///< "Runtime.ExitError"
  std::string_view shutdown;     ///< the reason, while the invoke was open
  bool memory_was_full = false;  ///< as much used as there is
};

/// Whether the words of a platform.runtimeDone or of an init are of a failure. An error that the
/// runtime handled is a success there, an answer that is too large a failure whatever its status.
[[nodiscard]] bool is_failure(std::string_view status, std::string_view error_type);

/// The same for a platform.report, where an error that the runtime handled may be one, too, under
/// the type that the runtime gave it: only the platform's own types count
/// (aws/aws-lambda-runtime-interface-emulator: internal/lambda-managed-instances/; checked
/// 2026-11).
[[nodiscard]] bool is_failed_report(std::string_view status, std::string_view error_type);

[[nodiscard]] bool is_out_of_memory(std::string_view error_type);

/// Of which kind. The error type goes before the status, which goes before the shutdown.
[[nodiscard]] proto::FailureKind kind_of(const Evidence& evidence);

/// A function's timeout is a number of whole seconds, its deadline that long behind the beginning
/// of the invoke. INVOKE comes a little later than that, and seconds later where an init came
/// first: rounded up. nullopt: a deadline that lies not 0 to 900 s ahead.
[[nodiscard]] std::optional<std::chrono::seconds> configured_timeout(
    relay::WallTime begun, std::optional<relay::WallTime> deadline);

/// "arn:aws:lambda:REGION:ACCOUNT:function:NAME"; "" if it has no such field.
[[nodiscard]] std::string region_of(std::string_view arn);
[[nodiscard]] std::string account_of(std::string_view arn);

}  // namespace extension
