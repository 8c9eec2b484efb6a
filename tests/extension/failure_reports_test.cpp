#include "extension/failure_reports.hpp"

#include <filesystem>
#include <string>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "tests/extension/fake_relay.hpp"
#include "tests/extension/log_lines.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/temp_folder.hpp"

namespace {

using extension::FailureReports;
using proto::TelemetryKind;

// One process of a sandbox whose /tmp is `folder`.
struct Process {
  explicit Process(std::string folder, bool on = true, bool asked = true, std::size_t log_lines = 0,
                   const proto::FunctionFacts& known = facts(),
                   const proto::Registration& told = {"checkout", "7", "app.handler",
                                                      "123456789012"})
      : reports({on, std::move(folder), known, log_lines}, {relay, clock, log, stats, disk, bits}) {
    reports.registered(told);
    if (asked) reports.first_next_asked();
  }

  static proto::FunctionFacts facts() {
    proto::FunctionFacts facts;
    facts.region = "eu-west-1";
    return facts;
  }

  static std::uint64_t bits() { return 7; }

  void invoke(const std::string& id) {
    proto::InvokeEvent event;
    event.request_id = id;
    event.deadline = clock.wall_now() + relay::milliseconds{3000};
    reports.invoke(event, true);
  }

  void hear(TelemetryKind kind, const std::string& id, std::string_view status) {
    proto::TelemetryRecord record;
    record.kind = kind;
    record.request_id = id;
    record.status = status;
    reports.heard(record);
  }

  void say(std::string_view line) {
    proto::TelemetryRecord record;
    record.kind = TelemetryKind::function_log;
    record.log_text = line;
    reports.heard(record);
  }

  void shutdown(std::string reason) {
    proto::ShutdownEvent event;
    event.reason_text = std::move(reason);
    reports.shutdown(event, true);
    reports.finish();
  }

  [[nodiscard]] bool last_has(std::string_view text) const {
    return !relay.own.empty() && relay.own.back().find(text) != std::string::npos;
  }

  boost::asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  extension_test::Diary diary;
  extension_test::FakeRelay relay{io.get_executor(), clock, diary};
  extension_test::LogLines lines;
  relay::Log log{{}, lines, clock};
  extension::HostStats stats;
  relay::SystemDisk disk;
  FailureReports reports;
};

}  // namespace

TEST_SUITE_BEGIN("extension/failure_reports");

TEST_CASE("a failure becomes an envelope with what registration, environment and INVOKE told") {
  const support::TempFolder folder;
  Process process(folder.path());
  process.invoke("r1");
  process.hear(TelemetryKind::runtime_done, "r1", "timeout");
  CHECK(process.relay.own.empty());  // its report may tell more
  process.shutdown("timeout");
  REQUIRE(process.relay.own.size() == 1);
  for (const auto* text :
       {"Lambda.Timeout", "checkout", "\"7\"", "123456789012", "eu-west-1", "r1"}) {
    CAPTURE(std::string(text));
    CHECK(process.last_has(text));
  }
  CHECK(process.stats.failures_reported == 1);
  CHECK(process.lines.lines.empty());
}

TEST_CASE("a registration that names no function leaves what the environment told") {
  proto::FunctionFacts facts;
  facts.name = "checkout";
  facts.version = "7";
  Process process("", true, true, 0, facts, {});
  process.invoke("r1");
  process.shutdown("timeout");
  CHECK(process.last_has("checkout"));
  CHECK(process.last_has("\"7\""));
}

TEST_CASE("the platform is that of the SDK that was heard last, else other") {
  for (const auto& [client, platform] :
       {std::pair{"sentry.python/2.75.0", "python"}, std::pair{"sentry.rust/0.4", "other"},
        std::pair{"", "other"}}) {
    CAPTURE(std::string(client));
    Process process("");
    process.relay.client = client;
    process.invoke("r1");
    process.shutdown("timeout");
    CHECK(process.last_has("\"platform\":\"" + std::string(platform) + "\""));
  }
}

TEST_CASE("the event joins the trace of what the function sent last in this invoke") {
  const support::TempFolder folder;
  const std::string header =
      R"({"trace":{"trace_id":"771a43a4192642f0b136d5159a501700","release":"app@1.2"}})";
  SUBCASE("in this one") {
    Process process(folder.path());
    process.invoke("r1");
    process.relay.last_header = header;
    process.shutdown("timeout");
    CHECK(process.last_has("771a43a4192642f0b136d5159a501700"));
    CHECK(process.last_has("app@1.2"));
  }
  SUBCASE("in this one, and something without a trace behind it") {
    Process process(folder.path());
    process.invoke("r1");
    process.relay.last_header = header;
    process.hear(TelemetryKind::runtime_done, "r1", "timeout");
    process.relay.last_header = "{}";
    process.shutdown("timeout");
    CHECK(process.last_has("771a43a4192642f0b136d5159a501700"));
  }
  SUBCASE("of the SDK that names itself in it, whichever was heard last") {
    Process process(folder.path());
    process.relay.client = "sentry.python/2.75.0";
    process.invoke("r1");
    process.relay.last_header = R"({"sdk":{"name":"sentry.javascript.aws-serverless"}})";
    process.shutdown("timeout");
    CHECK(process.last_has(R"("platform":"node")"));
  }
  SUBCASE("in the one before") {
    Process process(folder.path());
    process.invoke("r1");
    process.hear(TelemetryKind::runtime_done, "r1", "success");
    process.relay.last_header = header;
    process.invoke("r2");
    process.shutdown("timeout");
    CHECK(process.relay.own.size() == 1);
    CHECK_FALSE(process.last_has("771a43a4192642f0b136d5159a501700"));
  }
}

TEST_CASE("the last lines of the function's log go along where that is wanted") {
  for (const std::size_t lines : {0U, 1U, 2U}) {
    CAPTURE(lines);
    Process process("", true, false, lines);
    process.say("of the init");
    process.hear(TelemetryKind::start, "r1", "");
    process.reports.first_next_asked();
    process.invoke("r1");
    process.say("charging card");
    process.shutdown("timeout");
    CHECK(process.last_has("Lambda.Timeout"));
    CHECK(process.last_has("charging card") == (lines > 0));
    CHECK(process.last_has("of the init") == (lines > 1));
  }
}

TEST_CASE("what the process before has reported is not reported again; what it could not is") {
  const support::TempFolder folder;
  {
    Process first(folder.path());
    first.invoke("r1");
  }
  {
    Process second(folder.path());
    second.hear(TelemetryKind::runtime_done, "r1", "timeout");
    second.hear(TelemetryKind::report, "r1", "timeout");
    CHECK(second.relay.own.size() == 1);
    CHECK(second.last_has("Lambda.Timeout"));
  }
  Process third(folder.path());
  third.hear(TelemetryKind::report, "r1", "timeout");
  third.invoke("r2");
  CHECK(third.relay.own.empty());
}

TEST_CASE("what telemetry says before the first next waits for what the process before has kept") {
  const support::TempFolder folder;
  {
    Process first(folder.path());
    first.invoke("r1");
    first.shutdown("timeout");
    CHECK(first.relay.own.size() == 1);
  }
  Process second(folder.path(), true, false);
  second.hear(TelemetryKind::report, "r1", "timeout");
  second.reports.first_next_asked();
  CHECK(second.relay.own.empty());
  second.hear(TelemetryKind::report, "r1", "timeout");
  second.invoke("r2");
  CHECK(second.relay.own.empty());
}

TEST_CASE("of what comes before the first next the first 16 records are heard") {
  for (const int before : {15, 16}) {
    CAPTURE(before);
    Process process("", true, false);
    for (int i = 0; i < before; ++i) process.hear(TelemetryKind::start, "r0", "");
    process.hear(TelemetryKind::report, "r1", "timeout");
    CHECK(process.relay.own.empty());
    process.reports.first_next_asked();
    CHECK(process.relay.own.size() == (before < 16 ? 1 : 0));
  }
}

TEST_CASE("what says nothing of an init or an invoke takes none of their places") {
  Process process("", true, false);
  for (int i = 0; i < 16; ++i) process.hear(TelemetryKind::other, "", "");
  process.hear(TelemetryKind::report, "r1", "timeout");
  process.reports.first_next_asked();
  CHECK(process.relay.own.size() == 1);
}

TEST_CASE("a record that changes nothing of the invoke is no write to its file") {
  const support::TempFolder folder;
  Process process(folder.path());
  process.invoke("r1");
  REQUIRE(std::filesystem::remove(folder.path() + "/invoke"));
  process.hear(TelemetryKind::start, "r1", "");
  CHECK_FALSE(std::filesystem::exists(folder.path() + "/invoke"));
  process.hear(TelemetryKind::runtime_done, "r1", "success");
  CHECK(std::filesystem::exists(folder.path() + "/invoke"));
}

TEST_CASE("without a folder nothing is kept, and reported all the same") {
  Process process("");
  process.invoke("r1");
  process.shutdown("timeout");
  CHECK(process.relay.own.size() == 1);
}

TEST_CASE("a folder that cannot be written is said once") {
  Process process("/proc/thaw");
  process.invoke("r1");
  process.hear(TelemetryKind::runtime_done, "r1", "success");
  process.invoke("r2");
  CHECK(process.lines.lines.size() == 1);
}

TEST_CASE("what no DSN is known for is counted and said") {
  Process process("");
  process.relay.takes_own = false;
  process.invoke("r1");
  process.shutdown("timeout");
  CHECK(process.stats.failures_unreported == 1);
  CHECK(process.stats.failures_reported == 0);
  CHECK(process.lines.lines.size() == 1);
}

TEST_CASE("switched off, nothing is reported; but that there was an INVOKE the next one knows") {
  const support::TempFolder folder;
  for (const bool first : {true, false}) {
    CAPTURE(first);
    Process process(folder.path(), false);
    CHECK(process.reports.behind_an_invoke() == !first);
    process.invoke("r1");
    process.hear(TelemetryKind::runtime_done, "r1", "timeout");
    process.hear(TelemetryKind::report, "r1", "timeout");
    CHECK_FALSE(process.reports.pending());
    process.shutdown("timeout");
    CHECK(process.relay.own.empty());
  }
}

TEST_CASE("switched off, the first INVOKE is all that is written, and no trouble with it is said") {
  const support::TempFolder folder;
  Process process(folder.path(), false);
  process.invoke("r1");
  process.invoke("r2");
  extension::InvokeFile file(process.disk, folder.path());
  const auto kept = file.recover();
  REQUIRE(kept);
  CHECK(kept->request_id == "r1");

  Process unwritable("/proc/thaw", false);
  unwritable.invoke("r1");
  CHECK(unwritable.lines.lines.empty());
  proto::ShutdownEvent event;
  event.reason_text = "timeout";
  unwritable.reports.shutdown(event, false);
  CHECK(unwritable.relay.own.empty());
}

TEST_SUITE_END();
