#include "proto/failure_event.hpp"

#include <string>

#include <doctest/doctest.h>
#include <simdjson.h>

#include "proto/envelope.hpp"
#include "tests/support/envelopes.hpp"

using namespace std::chrono_literals;
using proto::encode_failure;
using proto::FailureFacts;
using proto::FailureKind;
using proto::WallTime;

namespace {

constexpr proto::EventBits kBits{0x0123456789abcdef, 0x0fedcba987654321, 0xa1b2c3d4e5f60718};

/// Everything that can be known.
FailureFacts full() {
  FailureFacts facts;
  facts.kind = FailureKind::timeout;
  facts.at = WallTime{1795458003125ms};
  facts.error_type = "Sandbox.Timedout";
  facts.shutdown_reason = "timeout";
  facts.function = {"my-function", "7", "eu-west-1", "123456789012", 512, "on-demand", "app@1", ""};
  facts.request_id = "8216618a-b84d-437d-99e3-c623f357d868";
  facts.function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:my-function:live";
  facts.xray_trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
  facts.begun = WallTime{1795458000125ms};
  facts.cold = false;
  facts.timeout = 3s;
  facts.duration_ms = 3000.1;
  facts.max_memory_mb = 87;
  facts.trace = {"4C79F60C11214EB38604F4AE0781BFB2", "ignored", "staging", "python"};
  return facts;
}

/// The payload of the one item of an encoded failure.
std::string payload(const FailureFacts& facts) {
  const auto envelope = support::parsed(encode_failure(facts, kBits));
  REQUIRE(envelope.items().size() == 1);
  const auto& item = envelope.items()[0];
  CHECK(item.type == "event");
  CHECK(envelope.deduplicated_upstream() == proto::Deduplicated::all);
  CHECK(envelope.urgency() == proto::Urgency::urgent);
  CHECK_FALSE(envelope.dsn().has_value());
  CHECK(envelope.event_id() == "0123456789ab4def8fedcba987654321");
  std::string text{envelope.bytes().substr(item.payload_begin, item.end - item.payload_begin)};
  simdjson::dom::parser parser;
  simdjson::dom::object event;
  REQUIRE_FALSE(parser.parse(text).get(event));
  return text;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE("proto/failure_event") {
  TEST_CASE("everything that is known is in the event") {
    const std::string expected =
        R"({"event_id":"0123456789ab4def8fedcba987654321",)"
        R"("timestamp":"2026-11-23T18:20:03.125000Z","platform":"python","level":"fatal",)"
        R"("logger":"thaw","transaction":"my-function","server_name":"my-function",)"
        R"("release":"app@1","environment":"staging",)"
        R"("sdk":{"name":"thaw","version":")" THAW_VERSION R"("},)"
        R"("exception":{"values":[{"type":"Lambda.Timeout",)"
        R"("value":"Task timed out after 3.00 seconds",)"
        R"("mechanism":{"type":"auto.function.aws_lambda.extension","handled":false,)"
        R"("data":{"shutdown_reason":"timeout","error_type":"Sandbox.Timedout"}}}]},)"
        R"("fingerprint":["aws-lambda","timeout","my-function"],)"
        R"("tags":{"aws_region":"eu-west-1","lambda.failure":"timeout",)"
        R"("aws_request_id":"8216618a-b84d-437d-99e3-c623f357d868",)"
        R"("aws.xray.trace":"1-5759e988-bd862e3fe1be46a994272793","cold_start":"false"},)"
        R"("contexts":{"trace":{"trace_id":"4c79f60c11214eb38604f4ae0781bfb2",)"
        R"("span_id":"a1b2c3d4e5f60718","op":"function.aws"},)"
        R"("cloud_resource":{"type":"cloud_resource","cloud.provider":"aws",)"
        R"("cloud.platform":"aws_lambda","cloud.region":"eu-west-1",)"
        R"("cloud.account.id":"123456789012"},)"
        R"("aws.lambda":{"function_name":"my-function","function_version":"7",)"
        R"("invoked_function_arn":)"
        R"("arn:aws:lambda:eu-west-1:123456789012:function:my-function:live",)"
        R"("aws_request_id":"8216618a-b84d-437d-99e3-c623f357d868",)"
        R"("execution_duration_in_millis":3000.1,"timeout_in_seconds":3,"memory_size_mb":512,)"
        R"("max_memory_used_mb":87,"initialization_type":"on-demand"},)"
        R"("aws.cloudwatch.logs":{"log_group":"/aws/lambda/my-function",)"
        R"("url":"https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:)"
        R"(log-groups/log-group/$252Faws$252Flambda$252Fmy-function/log-events$3FfilterPattern)"
        R"($3D$25228216618a-b84d-437d-99e3-c623f357d868$2522$26start$3D1795457940125"}}})";
    CHECK(payload(full()) == expected);
  }

  TEST_CASE("what is not known is left out") {
    CHECK(payload({}) ==
          R"({"event_id":"0123456789ab4def8fedcba987654321","platform":"other","level":"fatal",)"
          R"("logger":"thaw","sdk":{"name":"thaw","version":")" THAW_VERSION R"("},)"
          R"("exception":{"values":[{"type":"Lambda.Failure","value":"Invocation failed",)"
          R"("mechanism":{"type":"auto.function.aws_lambda.extension","handled":false}}]},)"
          R"("fingerprint":["aws-lambda","failure",""],"tags":{"lambda.failure":"failure"},)"
          R"("contexts":{"cloud_resource":{"type":"cloud_resource","cloud.provider":"aws",)"
          R"("cloud.platform":"aws_lambda"}}})");
  }

  TEST_CASE("without a region the log has a name, and no link that would lead elsewhere") {
    FailureFacts facts = full();
    facts.function.region.clear();
    CHECK(has(payload(facts), R"("log_group":"/aws/lambda/)"));
    CHECK_FALSE(has(payload(facts), R"("url":)"));
  }

  TEST_CASE("the envelope is three lines, without the dsn that it gets when it leaves") {
    const std::string text = encode_failure(full(), kBits);
    CHECK(text.starts_with(
        R"({"event_id":"0123456789ab4def8fedcba987654321","sdk":{"name":"thaw","version":")" THAW_VERSION
        "\"}}\n{\"type\":\"event\",\"length\":"));
    CHECK(std::count(text.begin(), text.end(), '\n') == 3);
    CHECK(text.ends_with("}\n"));
  }

  TEST_CASE("each kind has its title; nothing in it changes from invoke to invoke") {
    struct Row {
      FailureKind kind;
      std::string_view error_type;
      std::string_view type, value, fingerprint;
    };

    const Row rows[] = {
        {FailureKind::timeout, "", "Lambda.Timeout", "Task timed out after 3.00 seconds",
         R"(["aws-lambda","timeout","my-function"])"},
        {FailureKind::out_of_memory, "Runtime.OutOfMemory", "Lambda.OutOfMemory",
         "Function ran out of its 512 MB memory",
         R"(["aws-lambda","out_of_memory","my-function"])"},
        {FailureKind::runtime_exit, "", "Lambda.RuntimeExit", "Runtime exited or was killed",
         R"(["aws-lambda","runtime_exit","my-function"])"},
        {FailureKind::runtime_exit, "Runtime.ExitError", "Lambda.RuntimeExit",
         "Runtime exited or was killed: Runtime.ExitError",
         R"(["aws-lambda","runtime_exit","my-function"])"},
        {FailureKind::init_error, "Runtime.ExitError", "Lambda.InitError",
         "Initialization failed: Runtime.ExitError",
         R"(["aws-lambda","init_error","my-function","Runtime.ExitError"])"},
        {FailureKind::init_error, "", "Lambda.InitError", "Initialization failed",
         R"(["aws-lambda","init_error","my-function"])"},
        {FailureKind::response_too_large, "Function.ResponseSizeTooLarge",
         "Lambda.ResponseTooLarge", "Response is larger than Lambda delivers",
         R"(["aws-lambda","response_too_large","my-function"])"},
        {FailureKind::failure, "Sandbox.Failure", "Lambda.Failure",
         "Invocation failed: Sandbox.Failure",
         R"(["aws-lambda","failure","my-function","Sandbox.Failure"])"},
        {FailureKind::failure, "Extension.Crash", "Lambda.Failure",
         "An extension failed: Extension.Crash",
         R"(["aws-lambda","failure","my-function","Extension.Crash"])"},
    };
    for (const Row& row : rows) {
      FailureFacts facts = full();
      facts.kind = row.kind;
      facts.error_type = row.error_type;
      CAPTURE(std::string(row.value));
      const std::string event = payload(facts);
      CHECK(proto::exception_type(row.kind) == row.type);
      CHECK(has(event, R"({"type":")" + std::string(row.type) + R"(","value":")" +
                           std::string(row.value) + "\""));
      CHECK(has(event, R"("fingerprint":)" + std::string(row.fingerprint)));
    }
  }

  TEST_CASE("a limit that is not known is not named") {
    FailureFacts facts = full();
    facts.timeout.reset();
    CHECK(has(payload(facts), R"("value":"Task timed out")"));
    facts.kind = FailureKind::out_of_memory;
    facts.function.memory_mb.reset();
    CHECK(has(payload(facts), R"("value":"Function ran out of memory")"));
  }

  TEST_CASE("release and environment: the settings', else the SDK's, if Relay takes them") {
    struct Row {
      std::string_view settings, sdk, kept;
    };

    const Row rows[] = {
        {"a", "b", "a"}, {"", "b", "b"}, {"x/y", "b", "b"}, {"..", "", ""}, {"a", "x/y", "a"}};
    for (const Row& row : rows) {
      FailureFacts facts;
      facts.function.release = facts.function.environment = row.settings;
      facts.trace.release = facts.trace.environment = row.sdk;
      CAPTURE(std::string(row.settings));
      const std::string event = payload(facts);
      const std::string kept(row.kept);
      CHECK(has(event, R"("release":")" + kept + "\"") == !kept.empty());
      CHECK(has(event, R"("environment":")" + kept + "\"") == !kept.empty());
      CHECK(has(event, "\"release\"") == !kept.empty());
    }
  }

  TEST_CASE("a trace that is none is left out") {
    for (const std::string odd : {"", "1-5759e988", "4c79f60c11214eb38604f4ae0781bfb"}) {
      FailureFacts facts = full();
      facts.trace.trace_id = odd;
      CHECK_FALSE(has(payload(facts), "trace_id"));
    }
    for (const std::string odd : {"", "Parent=53995c3f42cd8ad8", "Root=", "Root=;Sampled=0"}) {
      FailureFacts facts = full();
      facts.xray_trace = odd;
      CHECK_FALSE(has(payload(facts), "xray"));
    }
  }

  TEST_CASE("a cold start, and the phase of an init") {
    FailureFacts facts;
    facts.cold = true;
    facts.phase = "invoke";
    const std::string event = payload(facts);
    CHECK(has(event, R"("cold_start":"true")"));
    CHECK(has(event, R"("init_phase":"invoke")"));
  }

  TEST_CASE("lines of the log are breadcrumbs, with Sentry's words for their levels") {
    FailureFacts facts;
    CHECK_FALSE(has(payload(facts), "breadcrumbs"));
    facts.log = {{WallTime{1795458003125ms}, "WARN", "card is \"slow\""}, {{}, "", "plain"}};
    CHECK(has(payload(facts), R"("breadcrumbs":{"values":[{"type":"default","category":"console",)"
                              R"("timestamp":"2026-11-23T18:20:03.125000Z","level":"warning",)"
                              R"("message":"card is \"slow\""},)"
                              R"({"type":"default","category":"console","message":"plain"}]})"));
    for (const auto& [logged, sentry] :
         {std::pair{"TRACE", "debug"}, std::pair{"Debug", "debug"}, std::pair{"info", "info"},
          std::pair{"warning", "warning"}, std::pair{"ERROR", "error"},
          std::pair{"Critical", "fatal"}, std::pair{"FATAL", "fatal"},
          std::pair{"panic", "fatal"}}) {
      facts.log = {{{}, logged, "x"}};
      CAPTURE(std::string(logged));
      CHECK(has(payload(facts), R"("level":")" + std::string(sentry) + R"(","message")"));
    }
    facts.log = {{{}, "loud", "x"}};
    CHECK(has(payload(facts), R"("category":"console","message":"x")"));
  }

  TEST_CASE("texts of any length and with anything in them make an event below 1 MiB") {
    const std::string wild = std::string(200'000, '\x01') + "\"\\\n\xFF/" + std::string(300, 'z');
    FailureFacts facts = full();
    facts.kind = FailureKind::failure;
    facts.error_type = facts.shutdown_reason = facts.request_id = facts.function_arn = wild;
    facts.xray_trace = "Root=" + wild;
    facts.phase = wild;
    facts.function = {wild, wild, wild, wild, 1, wild, wild, wild};
    facts.trace = {wild, wild, wild, wild};
    facts.duration_ms = 1e12;
    CHECK(payload(facts).size() < 64U * 1024U);
    facts.log.assign(100, {WallTime{1795458003125ms}, wild, std::string(1024, '\x01')});
    const std::string event = payload(facts);
    CHECK(event.size() < 1024U * 1024U);
    CHECK_FALSE(has(event, "\"release\""));
  }
}
