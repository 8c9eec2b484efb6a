// What the Extensions API says, read leniently: fields may be missing or new ones appear.
// AWS docs, "Using the Lambda Extensions API to create extensions"; checked 2026-11.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proto/result.hpp"
#include "proto/timestamp.hpp"

namespace proto {

struct InvokeEvent {
  std::string request_id;
  std::optional<WallTime> deadline;  ///< absent or not a number: nullopt
  std::string invoked_function_arn;
  std::string trace_id;  ///< the X-Ray header, "" if there is none
};

enum class ShutdownReason { spindown, timeout, failure };

struct ShutdownEvent {
  ShutdownReason reason = ShutdownReason::failure;  ///< case-insensitive; unknown words are failure
  std::string reason_text;                          ///< as it came
  std::optional<WallTime> deadline;
};

using LambdaEvent = std::variant<InvokeEvent, ShutdownEvent>;

/// The body of GET /event/next. Errors: json_invalid, event_unknown.
[[nodiscard]] Result<LambdaEvent> parse_lambda_event(std::string_view body);

/// What AWS_LAMBDA_INITIALIZATION_TYPE says there.
inline constexpr std::string_view kManagedInstances = "lambda-managed-instances";

struct Registration {
  std::string function_name, function_version, handler, account_id;
};

/// The body of POST /register's 200. Anything unreadable leaves its field empty.
[[nodiscard]] Registration parse_registration(std::string_view body);

/// A platform refusal: {"errorType":…,"errorMessage":…}; unreadable leaves both empty.
struct PlatformError {
  std::string type, message;
};

[[nodiscard]] PlatformError parse_platform_error(std::string_view body);

}  // namespace proto
