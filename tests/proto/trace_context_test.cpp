#include "proto/trace_context.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

TEST_SUITE_BEGIN("proto/trace_context");

TEST_CASE("trace id, release and environment are read from the header's trace") {
  const auto trace = proto::parse_trace_context(
      R"({"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","trace":{"trace_id":)"
      R"("771a43a4192642f0b136d5159a501700","public_key":"k","release":"app@1.2","environment":)"
      R"("staging","sample_rate":"1.0"}})");
  CHECK(trace.trace_id == "771a43a4192642f0b136d5159a501700");
  CHECK(trace.release == "app@1.2");
  CHECK(trace.environment == "staging");
}

TEST_CASE("the platform follows from the name of the SDK") {
  const auto platform = [](std::string_view name) {
    return proto::parse_trace_context("{\"sdk\":{\"name\":\"" + std::string(name) + "\"}}")
        .platform;
  };
  CHECK(platform("sentry.python") == "python");
  CHECK(platform("sentry.python.aws_lambda") == "python");
  CHECK(platform("sentry.javascript.aws-serverless") == "node");
  CHECK(platform("sentry.dotnet.aspnetcore") == "csharp");
  CHECK(proto::platform_of_sdk("sentry.python/2.75.0") == "python");
  CHECK(proto::platform_of_sdk("sentry.java.spring/8") == "java");
  CHECK(platform("sentry.golang").empty());
  CHECK(platform("sentry.rust").empty());
  CHECK(platform("").empty());
}

TEST_CASE("what is absent, of another type, or no JSON is empty") {
  for (const char* header : {"", "{}", "[]", "{\"trace\":7}", "{\"trace\":{}}",
                             "{\"trace\":{\"trace_id\":7,\"release\":null}}", "{\"trace\":{"}) {
    CAPTURE(header);
    const auto trace = proto::parse_trace_context(header);
    CHECK(trace.trace_id.empty());
    CHECK(trace.release.empty());
    CHECK(trace.environment.empty());
    CHECK(trace.platform.empty());
  }
}

TEST_SUITE_END();
