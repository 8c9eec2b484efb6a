#include "proto/telemetry.hpp"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "proto/errc.hpp"

using proto::parse_telemetry;
using proto::TelemetryKind;

TEST_SUITE("proto/telemetry") {
  TEST_CASE("the records we act on are taken out of a batch, in order") {
    const auto records = parse_telemetry(R"([
      {"time":"t","type":"platform.initStart","record":{"phase":"init"}},
      {"time":"t","type":"platform.start","record":{"requestId":"r1","version":"$LATEST"}},
      {"type":"platform.runtimeDone","record":{"requestId":"r1","status":"timeout","metrics":{"durationMs":3.5}}},
      {"type":"platform.report","record":{"requestId":"r1","status":"error","errorType":"Runtime.OutOfMemory"}},
      {"type":"platform.initRuntimeDone","record":{"status":"error","errorType":"Runtime.ExitError","phase":"init"}},
      {"type":"platform.restoreStart","record":{"functionName":"f"}},
      {"type":"platform.logsDropped","record":{"droppedBytes":1,"droppedRecords":2,"reason":"slow"}},
      {"type":"function","record":"a line"}])")
                             .value();
    REQUIRE(records.size() == 7);
    CHECK(records[0].kind == TelemetryKind::start);
    CHECK(records[0].request_id == "r1");
    CHECK(records[1].kind == TelemetryKind::runtime_done);
    CHECK(records[1].request_id == "r1");
    CHECK(records[1].status == "timeout");
    CHECK(records[1].error_type.empty());
    CHECK(records[2].kind == TelemetryKind::report);
    CHECK(records[2].error_type == "Runtime.OutOfMemory");
    CHECK(records[3].kind == TelemetryKind::init_runtime_done);
    CHECK(records[3].request_id.empty());
    CHECK(records[3].error_type == "Runtime.ExitError");
    CHECK(records[4].kind == TelemetryKind::restore_start);
    CHECK(records[5].kind == TelemetryKind::logs_dropped);
    CHECK(records[6].kind == TelemetryKind::function_log);
  }

  TEST_CASE("a report gives the time, what the invoke took, and its trace") {
    const auto report = parse_telemetry(R"([{"time":"2026-11-23T18:20:25.125Z",
      "type":"platform.report","record":{"requestId":"r1","status":"success","metrics":{
      "durationMs":7.26,"billedDurationMs":8,"memorySizeMB":512,"maxMemoryUsedMB":87},
      "tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-5759e988-bd862e3fe1be46a994272793"}}}])")
                            .value()
                            .at(0);
    CHECK(report.time == proto::parse_rfc3339("2026-11-23T18:20:25.125Z").value());
    CHECK(report.duration_ms == 7.26);
    CHECK(report.memory_mb == 512);
    CHECK(report.max_memory_mb == 87);
    CHECK(report.trace_id == "Root=1-5759e988-bd862e3fe1be46a994272793");
  }

  TEST_CASE("an init record says in which phase, of which kind of initialization") {
    const auto records = parse_telemetry(R"([
      {"type":"platform.initRuntimeDone","record":{"initializationType":"on-demand",
        "phase":"invoke","status":"error","errorType":"Runtime.ExitError"}},
      {"type":"platform.initReport","record":{"initializationType":"snap-start",
        "phase":"init","status":"success","metrics":{"durationMs":560.255}}},
      {"type":"platform.restoreRuntimeDone","record":{"status":"error",
        "errorType":"Runtime.Unknown"}}])")
                             .value();
    REQUIRE(records.size() == 3);
    CHECK(records[0].phase == "invoke");
    CHECK(records[0].initialization_type == "on-demand");
    CHECK_FALSE(records[0].duration_ms.has_value());
    CHECK(records[1].kind == TelemetryKind::init_report);
    CHECK(records[1].initialization_type == "snap-start");
    CHECK(records[1].duration_ms == 560.255);
    CHECK(records[2].kind == TelemetryKind::restore_runtime_done);
    CHECK(records[2].error_type == "Runtime.Unknown");
  }

  TEST_CASE("a number is counted if it can mean something") {
    const auto duration = [](const std::string& value) {
      return parse_telemetry(R"([{"type":"platform.report","record":{"metrics":{"durationMs":)" +
                             value + "}}}]")
          .value()
          .at(0)
          .duration_ms;
    };
    CHECK(duration("0") == 0.0);
    CHECK(duration("1e12") == 1e12);
    for (const std::string odd : {"-0.1", "1.1e12", "1e300", "\"1\"", "null", "[1]", "true"}) {
      CAPTURE(odd);
      CHECK_FALSE(duration(odd).has_value());
    }
    const auto odd =
        parse_telemetry(R"([{"time":"yesterday","type":"platform.report","record":{"metrics":[1],)"
                        R"("tracing":"x","phase":1}},{"time":1,"type":"platform.report",)"
                        R"("record":{"metrics":{"memorySizeMB":127.9}}}])")
            .value();
    REQUIRE(odd.size() == 2);
    for (const auto& record : odd) CHECK_FALSE(record.time.has_value());
    CHECK_FALSE(odd[0].duration_ms.has_value());
    CHECK(odd[0].trace_id.empty());
    CHECK(odd[1].memory_mb == 128);
  }

  TEST_CASE("a record of the wrong shape is left out, a field of the wrong shape is absent") {
    const auto records =
        parse_telemetry(
            R"([{"type":"platform.runtimeDone","record":"RequestId: x"},)"
            R"({"type":"platform.runtimeDone"},{"type":7,"record":{}},5,null,)"
            R"({"type":"platform.runtimeDone","record":{"requestId":1,"status":null}}])")
            .value();
    REQUIRE(records.size() == 1);
    CHECK(records[0].kind == TelemetryKind::runtime_done);
    CHECK(records[0].request_id.empty());
    CHECK(records[0].status.empty());
  }

  TEST_CASE("a line of the function's log is a text, or an object with a level and a message") {
    const auto records =
        parse_telemetry(
            R"([{"time":"2026-11-23T18:20:25.125Z","type":"function","record":"charging card\n"},)"
            R"({"type":"function","record":{"level":"WARN","requestId":"r1","message":"slow"}},)"
            R"({"type":"function","record":{"orders":[1, 2]}},{"type":"function","record":7},)"
            R"({"type":"function"},{"type":"extension","record":"x"}])")
            .value();
    REQUIRE(records.size() == 3);
    for (const auto& record : records) CHECK(record.kind == TelemetryKind::function_log);
    CHECK(records[0].log_text == "charging card");
    CHECK(records[0].time);
    CHECK(records[1].log_text == "slow");
    CHECK(records[1].log_level == "WARN");
    CHECK(records[1].request_id == "r1");
    CHECK(records[2].log_text == R"({"orders":[1,2]})");
  }

  TEST_CASE("what a line says of itself is cut, too: it is kept beside its text") {
    const std::string word(100'000, 'x');
    const auto records = parse_telemetry(R"([{"type":"function","record":{"level":")" + word +
                                         R"(","requestId":")" + word + R"(","message":"m"}}])")
                             .value();
    CHECK(records[0].log_level.size() == 64);
    CHECK(records[0].request_id.size() == 64);
  }

  TEST_CASE("a long line is cut") {
    for (const std::size_t size :
         {proto::kMaxLogText - 1, proto::kMaxLogText, proto::kMaxLogText + 1}) {
      const std::string line(size, 'x');
      const auto records =
          parse_telemetry(R"([{"type":"function","record":")" + line + R"("}])").value();
      CHECK(records[0].log_text.size() == std::min(size, proto::kMaxLogText));
    }
  }

  TEST_CASE("the time of a record is read where it is one") {
    const auto records =
        parse_telemetry(
            R"([{"time":"2026-11-23T18:20:25.125Z","type":"platform.report","record":{}},)"
            R"({"time":"yesterday","type":"platform.report","record":{}},)"
            R"({"time":1795458025,"type":"platform.report","record":{}},)"
            R"({"time":"2019-12-31T23:59:59Z","type":"platform.report","record":{}},)"
            R"({"time":"0000-01-01T00:00:00Z","type":"platform.report","record":{}},)"
            R"({"time":"2200-01-01T00:00:00Z","type":"platform.report","record":{}},)"
            R"({"time":"9999-12-31T23:59:59Z","type":"platform.report","record":{}},)"
            R"({"type":"platform.report","record":{}}])")
            .value();
    REQUIRE(records.size() == 8);
    REQUIRE(records[0].time);
    CHECK(proto::to_rfc3339(*records[0].time) == "2026-11-23T18:20:25.125000Z");
    for (std::size_t i = 1; i < records.size(); ++i) CHECK_FALSE(records[i].time);
  }

  TEST_CASE("an empty batch is a batch; what is no array is not") {
    CHECK(parse_telemetry("[]").value().empty());
    for (const std::string body : {"", "{}", "[", "[{]", "null", "nonsense"}) {
      CAPTURE(body);
      CHECK(parse_telemetry(body).error() == proto::Errc::json_invalid);
    }
  }

  TEST_CASE("the subscription asks for platform events with the shortest buffering") {
    CHECK(proto::to_json(proto::TelemetrySubscription{"http://sandbox.localdomain:4500/abc"}) ==
          R"({"schemaVersion":"2025-01-29","types":["platform"],)"
          R"("buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":25},)"
          R"("destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:4500/abc"}})");
    const std::string other = proto::to_json(proto::TelemetrySubscription{"u", "2022-07-01", 1000});
    CHECK(other.starts_with(R"({"schemaVersion":"2022-07-01","types")"));
    CHECK(other.find(R"("timeoutMs":1000})") != std::string::npos);
    const std::string logs =
        proto::to_json(proto::TelemetrySubscription{"u", "2022-07-01", 25, true});
    CHECK(logs.find(R"("types":["platform","function"],)") != std::string::npos);
  }
}
