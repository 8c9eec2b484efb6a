#include "proto/telemetry.hpp"

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
    REQUIRE(records.size() == 8);
    CHECK(records[0].kind == TelemetryKind::other);
    CHECK(records[1].kind == TelemetryKind::start);
    CHECK(records[1].request_id == "r1");
    CHECK(records[2].kind == TelemetryKind::runtime_done);
    CHECK(records[2].request_id == "r1");
    CHECK(records[2].status == "timeout");
    CHECK(records[2].error_type.empty());
    CHECK(records[3].kind == TelemetryKind::report);
    CHECK(records[3].error_type == "Runtime.OutOfMemory");
    CHECK(records[4].kind == TelemetryKind::init_runtime_done);
    CHECK(records[4].request_id.empty());
    CHECK(records[4].error_type == "Runtime.ExitError");
    CHECK(records[5].kind == TelemetryKind::restore_start);
    CHECK(records[6].kind == TelemetryKind::logs_dropped);
    CHECK(records[7].kind == TelemetryKind::other);
  }

  TEST_CASE("a record of the wrong shape is other, a field of the wrong shape is absent") {
    const auto records =
        parse_telemetry(
            R"([{"type":"platform.runtimeDone","record":"RequestId: x"},)"
            R"({"type":"platform.runtimeDone"},{"type":7,"record":{}},5,null,)"
            R"({"type":"platform.runtimeDone","record":{"requestId":1,"status":null}}])")
            .value();
    REQUIRE(records.size() == 6);
    for (std::size_t i = 0; i < 5; ++i) CHECK(records[i].kind == TelemetryKind::other);
    CHECK(records[5].kind == TelemetryKind::runtime_done);
    CHECK(records[5].request_id.empty());
    CHECK(records[5].status.empty());
  }

  TEST_CASE("the time of a record is read where it is one") {
    const auto records =
        parse_telemetry(
            R"([{"time":"2026-11-23T18:20:25.125Z","type":"platform.report","record":{}},)"
            R"({"time":"yesterday","type":"platform.report","record":{}},)"
            R"({"time":1795458025,"type":"platform.report","record":{}},)"
            R"({"type":"platform.report","record":{}}])")
            .value();
    REQUIRE(records.size() == 4);
    REQUIRE(records[0].time);
    CHECK(proto::to_rfc3339(*records[0].time) == "2026-11-23T18:20:25.125000Z");
    for (std::size_t i = 1; i < 4; ++i) CHECK_FALSE(records[i].time);
  }

  TEST_CASE("an empty batch is a batch; what is no array is not") {
    CHECK(parse_telemetry("[]").value().empty());
    for (const std::string body : {"", "{}", "[", "[{]", "null", "nonsense"}) {
      CAPTURE(body);
      CHECK(parse_telemetry(body).error() == proto::Errc::json_invalid);
    }
  }

  TEST_CASE("the subscription asks for platform events with the shortest buffering") {
    CHECK(proto::telemetry_subscription("http://sandbox.localdomain:4500/abc") ==
          R"({"schemaVersion":"2025-01-29","types":["platform"],)"
          R"("buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":25},)"
          R"("destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:4500/abc"}})");
    CHECK(proto::telemetry_subscription("u", "2022-07-01")
              .starts_with(R"({"schemaVersion":"2022-07-01","types")"));
  }
}
