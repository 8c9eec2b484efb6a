#include "proto/lambda_events.hpp"

#include <cmath>
#include <cstdint>

#include <simdjson.h>

#include "proto/ascii.hpp"
#include "proto/errc.hpp"
#include "proto/json_dom.hpp"

namespace proto {
namespace {

namespace dom = simdjson::dom;

/// Milliseconds since the epoch, integer or float. nullopt for what is no number or no time.
std::optional<WallTime> time_of(simdjson::simdjson_result<dom::element> field) {
  constexpr double kLatest = 9.0e12;  // in 2255; the clock ends in 2262
  double milliseconds = 0;
  if (field.get(milliseconds) || !(std::abs(milliseconds) <= kLatest)) return std::nullopt;
  return WallTime{std::chrono::milliseconds{std::llround(milliseconds)}};
}

ShutdownReason reason_of(std::string_view text) {
  // The case differs between AWS's own pages.
  if (equal_ignoring_case(text, "spindown")) return ShutdownReason::spindown;
  return equal_ignoring_case(text, "timeout") ? ShutdownReason::timeout : ShutdownReason::failure;
}

InvokeEvent invoke_of(const dom::object& event) {
  return {
      .request_id = text_of(event["requestId"]),
      .deadline = time_of(event["deadlineMs"]),
      .invoked_function_arn = text_of(event["invokedFunctionArn"]),
      .trace_id = text_of(event["tracing"]["value"]),
  };
}

ShutdownEvent shutdown_of(const dom::object& event) {
  std::string reason = text_of(event["shutdownReason"]);
  return {
      .reason = reason_of(reason),
      .reason_text = std::move(reason),
      .deadline = time_of(event["deadlineMs"]),
  };
}

}  // namespace

Result<LambdaEvent> parse_lambda_event(std::string_view body) {
  const simdjson::padded_string padded{body};
  dom::parser parser;
  dom::object event;
  if (parser.parse(padded).get(event)) return Errc::json_invalid;
  const std::string type = text_of(event["eventType"]);
  if (type == "INVOKE") return LambdaEvent{invoke_of(event)};
  if (type == "SHUTDOWN") return LambdaEvent{shutdown_of(event)};
  return Errc::event_unknown;
}

Registration parse_registration(std::string_view body) {
  const simdjson::padded_string padded{body};
  dom::parser parser;
  dom::object answer;
  if (parser.parse(padded).get(answer)) return {};
  return {
      .function_name = text_of(answer["functionName"]),
      .function_version = text_of(answer["functionVersion"]),
      .handler = text_of(answer["handler"]),
      .account_id = text_of(answer["accountId"]),
  };
}

PlatformError parse_platform_error(std::string_view body) {
  const simdjson::padded_string padded{body};
  dom::parser parser;
  dom::object answer;
  if (parser.parse(padded).get(answer)) return {};
  return {.type = text_of(answer["errorType"]), .message = text_of(answer["errorMessage"])};
}

}  // namespace proto
