#include "proto/lambda_events.hpp"

#include <string>

#include <doctest/doctest.h>

#include "proto/errc.hpp"

using namespace std::chrono_literals;
using proto::Errc;
using proto::InvokeEvent;
using proto::parse_lambda_event;
using proto::ShutdownEvent;
using proto::ShutdownReason;
using proto::WallTime;

namespace {

InvokeEvent invoke(std::string_view body) {
  return std::get<InvokeEvent>(parse_lambda_event(body).value());
}

ShutdownEvent shutdown(std::string_view body) {
  return std::get<ShutdownEvent>(parse_lambda_event(body).value());
}

std::optional<WallTime> deadline(const std::string& value) {
  return invoke(R"({"eventType":"INVOKE","deadlineMs":)" + value + "}").deadline;
}

}  // namespace

TEST_SUITE("proto/lambda_events") {
  TEST_CASE("an INVOKE gives its id, deadline, ARN and trace") {
    const auto event = invoke(
        R"({"eventType":"INVOKE","deadlineMs":1795457362160,"requestId":"5fc1eb59",)"
        R"("invokedFunctionArn":"arn:aws:lambda:us-east-1:012345678912:function:f:live",)"
        R"("tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-5759e988;Sampled=1"},"new":[1]})");
    CHECK(event.request_id == "5fc1eb59");
    CHECK(event.deadline == WallTime{1795457362160ms});
    CHECK(event.invoked_function_arn == "arn:aws:lambda:us-east-1:012345678912:function:f:live");
    CHECK(event.trace_id == "Root=1-5759e988;Sampled=1");
  }

  TEST_CASE("missing or odd fields of an INVOKE are empty") {
    const auto event = invoke(R"({"requestId":7,"tracing":"x","eventType":"INVOKE"})");
    CHECK(event.request_id.empty());
    CHECK(event.trace_id.empty());
    CHECK_FALSE(event.deadline.has_value());
  }

  TEST_CASE("a deadline is a number of milliseconds, whole or not, that is a time") {
    CHECK(deadline("0") == WallTime{});
    CHECK(deadline("1795457362160.4") == WallTime{1795457362160ms});
    CHECK(deadline("1.79545736216e12") == WallTime{1795457362160ms});
    CHECK(deadline("-1") == WallTime{-1ms});
    for (const std::string odd :
         {"null", "\"1\"", "1e300", "-1e300", "18446744073709551615", "{}", "true"}) {
      CAPTURE(odd);
      CHECK_FALSE(deadline(odd).has_value());
    }
  }

  TEST_CASE("a SHUTDOWN's reason is read in any case, unknown words are failure") {
    const auto event = shutdown(
        R"({"eventType":"SHUTDOWN","deadlineMs":1795457390482,"shutdownReason":"SpinDown"})");
    CHECK(event.reason == ShutdownReason::spindown);
    CHECK(event.reason_text == "SpinDown");
    CHECK(event.deadline == WallTime{1795457390482ms});
    const auto reason = [](const std::string& word) {
      return shutdown(R"({"eventType":"SHUTDOWN","shutdownReason":")" + word + "\"}").reason;
    };
    CHECK(reason("TIMEOUT") == ShutdownReason::timeout);
    CHECK(reason("failure") == ShutdownReason::failure);
    CHECK(reason("ReleaseFail") == ShutdownReason::failure);
    const auto bare = shutdown(R"({"eventType":"SHUTDOWN"})");
    CHECK(bare.reason == ShutdownReason::failure);
    CHECK(bare.reason_text.empty());
    CHECK_FALSE(bare.deadline.has_value());
  }

  TEST_CASE("another or no type is unknown, anything but an object is not an event") {
    CHECK(parse_lambda_event(R"({"eventType":"invoke"})").error() == Errc::event_unknown);
    CHECK(parse_lambda_event(R"({"eventType":"PING"})").error() == Errc::event_unknown);
    CHECK(parse_lambda_event("{}").error() == Errc::event_unknown);
    for (const std::string body : {"", "[]", "null", "{", "<html>", R"({"eventType":"INVOKE")"}) {
      CAPTURE(body);
      CHECK(parse_lambda_event(body).error() == Errc::json_invalid);
    }
  }

  TEST_CASE("a registration gives what it has") {
    const auto full = proto::parse_registration(
        R"({"functionName":"f","functionVersion":"$LATEST","handler":"app.h","accountId":"123"})");
    CHECK(full.function_name == "f");
    CHECK(full.function_version == "$LATEST");
    CHECK(full.handler == "app.h");
    CHECK(full.account_id == "123");
    CHECK(proto::parse_registration(R"({"functionName":1,"handler":""})").function_name.empty());
    CHECK(proto::parse_registration("nonsense").function_name.empty());
  }

  TEST_CASE("a refusal gives its type and message") {
    const auto error = proto::parse_platform_error(
        R"({"errorMessage":"INVOKE: ErrorInvalidEventType","errorType":"Extension.InvalidEventType"})");
    CHECK(error.type == "Extension.InvalidEventType");
    CHECK(error.message == "INVOKE: ErrorInvalidEventType");
    CHECK(proto::parse_platform_error("").type.empty());
    CHECK(proto::parse_platform_error("[1]").message.empty());
  }
}
