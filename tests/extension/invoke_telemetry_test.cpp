#include "extension/invoke_telemetry.hpp"

#include <optional>
#include <string>

#include <doctest/doctest.h>

namespace {

using namespace extension;
using proto::TelemetryKind;
using relay::milliseconds;

// Both clocks tell the same time, in milliseconds.
struct Bench {
  static InvokeTelemetry::Moment at(int ms) {
    return {relay::WallTime{std::chrono::hours{400'000}} + milliseconds{ms},
            relay::SteadyTime{std::chrono::hours{1}} + milliseconds{ms}};
  }

  void begin(const std::string& id, int now) { telemetry.begin(id, at(now)); }

  bool hear(TelemetryKind kind, const std::string& id, std::optional<int> time, int now) {
    proto::TelemetryRecord record;
    record.kind = kind;
    record.request_id = id;
    if (time) record.time = at(*time).wall;
    return telemetry.heard(record, at(now), milliseconds{500}) == InvokeTelemetry::News::in_time;
  }

  bool done(const std::string& id, std::optional<int> time, int now) {
    return hear(TelemetryKind::runtime_done, id, time, now);
  }

  void ask(InvokeTelemetry::Moment now) { telemetry.asked(now, HeldFor::telemetry, {}); }

  void ask(int now) { ask(at(now)); }

  [[nodiscard]] std::optional<std::int64_t> ended() const {
    if (!telemetry.ended()) return std::nullopt;
    return (*telemetry.ended() - at(0).steady) / milliseconds{1};
  }

  Holds holds;
  std::uint64_t others = 0;
  InvokeTelemetry telemetry{holds, others};
};

constexpr auto kStart = TelemetryKind::start;

}  // namespace

TEST_SUITE_BEGIN("extension/invoke_telemetry");

TEST_CASE("a start and an end are those of the open invoke") {
  Bench bench;
  bench.begin("a", 0);
  CHECK_FALSE(bench.telemetry.started());
  CHECK_FALSE(bench.hear(kStart, "a", 0, 25));
  CHECK(bench.telemetry.started());
  CHECK(bench.done("a", 40, 70));
  CHECK(bench.ended() == 40);
  CHECK(bench.done("a", 50, 80));  // told twice: the first counts
  CHECK(bench.ended() == 40);
  bench.ask(80);
  CHECK(bench.holds.recent().back().held == milliseconds{40});
}

TEST_CASE("an end that is no success is a failure; one without a status is none") {
  for (const auto& [status, failed] :
       {std::pair{"success", false}, {"", false}, {"error", true}, {"timeout", true}}) {
    Bench bench;
    bench.begin("a", 0);
    CHECK_FALSE(bench.telemetry.failed());
    proto::TelemetryRecord record;
    record.kind = TelemetryKind::runtime_done;
    record.request_id = "a";
    record.status = status;
    CHECK(bench.telemetry.heard(record, Bench::at(70), milliseconds{500}) ==
          InvokeTelemetry::News::in_time);
    CHECK(bench.telemetry.failed() == failed);
    bench.ask(80);
    CHECK_FALSE(bench.telemetry.failed());
  }
}

TEST_CASE("an end without a time is now; one outside the invoke is moved into it") {
  for (const auto& [time, expected] :
       {std::pair<std::optional<int>, int>{std::nullopt, 70}, {-900, 10}, {9000, 70}}) {
    Bench bench;
    bench.begin("a", 10);
    CHECK(bench.done("a", time, 70));
    CHECK(bench.ended() == expected);
  }
}

TEST_CASE("what is told before INVOKE is of the invoke that comes, if that is its id") {
  Bench bench;
  CHECK_FALSE(bench.hear(kStart, "a", 0, 5));
  CHECK_FALSE(bench.done("a", 4, 6));
  bench.begin("a", 8);
  CHECK(bench.telemetry.started());
  CHECK(bench.ended() == 8);
  CHECK(bench.others == 0);

  bench.ask(8);
  CHECK_FALSE(bench.done("b", 9, 9));
  bench.begin("c", 10);
  CHECK_FALSE(bench.ended());
  CHECK(bench.others == 1);
}

TEST_CASE("of the early two are kept, the last ones") {
  Bench bench;
  CHECK_FALSE(bench.done("x", 0, 0));
  CHECK_FALSE(bench.hear(kStart, "a", 1, 1));
  CHECK_FALSE(bench.done("a", 2, 2));
  CHECK(bench.others == 1);
  bench.begin("a", 3);
  CHECK(bench.telemetry.started());
  CHECK(bench.ended() == 3);
}

TEST_CASE("an earlier attempt at the same request neither starts nor ends this one") {
  Bench bench;
  bench.begin("a", 0);
  bench.ask(0);
  bench.begin("a", 60'000);
  CHECK_FALSE(bench.hear(kStart, "a", 0, 60'005));
  CHECK_FALSE(bench.done("a", 20, 60'005));
  CHECK_FALSE(bench.telemetry.started());
  CHECK_FALSE(bench.ended());
  CHECK(bench.holds.unknown() == 0);  // it was the first one's
  CHECK(bench.done("a", 60'030, 60'040));
  CHECK(bench.ended() == 60'030);
}

TEST_CASE("an end told after next was asked counts; it is timely within the limit") {
  Bench bench;
  bench.begin("a", 0);
  bench.ask(50);
  CHECK(bench.done("a", 20, 519));
  CHECK(bench.holds.recent().back().held == milliseconds{30});
  bench.begin("b", 600);
  bench.ask(650);
  CHECK_FALSE(bench.done("b", 620, 1120));
  CHECK(bench.holds.unknown() == 0);
}

TEST_CASE(
    "a wall clock that steps while the invoke is held makes the hold no longer and no shorter") {
  for (const auto step : {std::chrono::hours{24}, std::chrono::hours{-24}}) {
    Bench bench;
    bench.begin("a", 0);
    CHECK(bench.done("a", 20, 30));
    bench.ask({Bench::at(80).wall + step, Bench::at(80).steady});
    CHECK(bench.holds.recent().back().held == milliseconds{60});
  }
}

TEST_CASE("a record of another invoke than the open one is counted, whatever else it is not") {
  Bench bench;
  bench.begin("a", 0);
  CHECK_FALSE(bench.done("b", 5, 5));
  CHECK_FALSE(bench.hear(kStart, "b", 5, 5));
  CHECK_FALSE(bench.hear(TelemetryKind::report, "a", 5, 5));
  CHECK(bench.others == 1);
  CHECK_FALSE(bench.ended());
}

TEST_CASE("an invoke that is closed is remembered with when it began and what came and went") {
  Bench bench;
  bench.begin("a", 5);
  bench.telemetry.asked(Bench::at(60), HeldFor::delivery, {3, 1, 2});
  const Holds::Invoke& closed = bench.holds.recent().back();
  CHECK(closed.request_id == "a");
  CHECK(closed.begun == Bench::at(5).wall);
  CHECK(closed.asked == Bench::at(60).wall);
  CHECK(closed.accepted == 3);
  CHECK(closed.delivered == 2);
  bench.telemetry.asked(Bench::at(70), HeldFor::delivery, {3, 1, 2});
  CHECK(bench.holds.recent().size() == 1);
}

TEST_CASE("of what comes before INVOKE the last two records are kept") {
  for (const bool late : {true, false}) {
    Bench bench;
    bench.hear(kStart, late ? "c" : "a", 0, 0);
    bench.hear(kStart, "b", 0, 0);
    bench.hear(kStart, late ? "a" : "c", 0, 0);
    bench.begin("a", 1);
    CHECK(bench.telemetry.started() == late);
    CHECK(bench.others == (late ? 2 : 3));
  }
}

TEST_SUITE_END();
