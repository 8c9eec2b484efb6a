#include "extension/failure_evidence.hpp"

#include <algorithm>
#include <array>

#include "proto/ascii.hpp"

namespace extension {
namespace {

using proto::FailureKind;
using relay::WallTime;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kTooLarge = "Function.ResponseSizeTooLarge";

bool is_timeout(const Evidence& evidence) {
  if (evidence.status == "timeout") return true;
  if (evidence.error_type == "Sandbox.Timedout" || evidence.error_type == "Sandbox.Timeout") {
    return true;
  }
  return evidence.status.empty() && evidence.error_type.empty() &&
         cause_of(evidence.shutdown) == ShutdownCause::timeout;
}

/// Without telemetry all that is known is that the processes went: nearly always the runtime's own
/// exit, or its end for want of memory.
bool is_exit(const Evidence& evidence) {
  if (evidence.error_type == "Runtime.ExitError") return true;
  return evidence.error_type.empty() && cause_of(evidence.shutdown) == ShutdownCause::failure;
}

/// The text between two colons, counted from 0.
std::string field_of(std::string_view arn, int field) {
  for (; field > 0; --field) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return {};
    arn.remove_prefix(colon + 1);
  }
  return std::string(arn.substr(0, arn.find(':')));
}

}  // namespace

ShutdownCause cause_of(std::string_view reason) {
  if (proto::equal_ignoring_case(reason, "timeout")) return ShutdownCause::timeout;
  const bool failed = proto::equal_ignoring_case(reason, "failure") ||
                      proto::equal_ignoring_case(reason, "releasefail");
  return failed ? ShutdownCause::failure : ShutdownCause::none;
}

bool is_failure(std::string_view status, std::string_view error_type) {
  return status == "timeout" || status == "error" || status == "failure" || error_type == kTooLarge;
}

bool is_failed_report(std::string_view status, std::string_view error_type) {
  constexpr std::array<std::string_view, 8> kPlatforms{
      "Runtime.ExitError",
      "Runtime.OutOfMemory",
      "Runtime.InvalidEntrypoint",
      "Runtime.InvalidWorkingDir",
      "Runtime.InvalidTaskConfig",
      "Runtime.TruncatedResponse",
      "Runtime.InvalidResponseModeHeader",
      kTooLarge,
  };
  const bool handled = status == "error" && !error_type.empty() &&
                       !error_type.starts_with("Extension.") &&
                       !error_type.starts_with("Sandbox.") &&
                       std::ranges::find(kPlatforms, error_type) == kPlatforms.end();
  return is_failure(status, error_type) && !handled;
}

bool is_out_of_memory(std::string_view error_type) { return error_type == "Runtime.OutOfMemory"; }

FailureKind kind_of(const Evidence& evidence) {
  const auto& error_type = evidence.error_type;
  if (error_type.starts_with("Extension.")) return FailureKind::failure;
  if (evidence.init) return FailureKind::init_error;
  if (error_type == kTooLarge) return FailureKind::response_too_large;
  if (is_out_of_memory(error_type)) return FailureKind::out_of_memory;
  if (is_timeout(evidence)) return FailureKind::timeout;
  if (!is_exit(evidence)) return FailureKind::failure;
  return evidence.memory_was_full ? FailureKind::out_of_memory : FailureKind::runtime_exit;
}

std::optional<seconds> configured_timeout(WallTime begun, std::optional<WallTime> deadline) {
  constexpr seconds kLongest{900};
  // Two clocks, both of whole milliseconds, need not agree.
  constexpr milliseconds kJitter{100};
  if (!deadline || *deadline <= begun || *deadline > begun + kLongest + kJitter) {
    return std::nullopt;
  }
  return std::max(std::chrono::ceil<seconds>(*deadline - begun - kJitter), seconds{1});
}

std::string region_of(std::string_view arn) { return field_of(arn, 3); }

std::string account_of(std::string_view arn) { return field_of(arn, 4); }

}  // namespace extension
