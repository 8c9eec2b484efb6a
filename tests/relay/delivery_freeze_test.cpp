// Freezes: what is not begun, what is cut, what goes again, and how awake time is told from time.
#include <string_view>
#include <vector>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include "tests/relay/delivery_bench.hpp"

using relay::DropReason;
using relay::Gate;
using relay::milliseconds;
using support::DeliveryBench;

namespace {

const boost::system::error_code kRefused = boost::asio::error::connection_refused;
constexpr milliseconds kHour{3'600'000};

/// A freeze, with monotonic time going on or standing still.
void freeze(DeliveryBench& bench, bool steady_moves, milliseconds length = kHour) {
  bench.clock.freeze(steady_moves ? length : milliseconds{0}, length);
}

/// The same, with a request on its way.
void freeze_in_flight(DeliveryBench& bench, std::string_view type, bool steady_moves) {
  bench.upstream.hangs();
  bench.accept(type);
  bench.settle();
  bench.gate(Gate::late);
  freeze(bench, steady_moves);
}

}  // namespace

TEST_SUITE_BEGIN("relay/delivery_freeze");

TEST_CASE("while the gate is closed nothing leaves and nothing is connected to, however long") {
  DeliveryBench bench;
  bench.accept("event");  // so that there is an upstream to be warm for
  bench.settle();
  REQUIRE(bench.delivered() == 1);
  const auto warmed = bench.upstream.warmed();
  bench.gate(Gate::closed);
  bench.accept("event");
  bench.accept("session");
  bench.delivery.expect_one();
  bench.stay_awake(1000);
  CHECK(bench.upstream.calls() == 1);
  CHECK(bench.upstream.warmed() == warmed);
  bench.gate(Gate::early);
  CHECK(bench.delivered() == 3);
}

TEST_CASE("before the first invoke everything leaves at once, and what a freeze cuts is a cut") {
  DeliveryBench bench;
  bench.gate(Gate::early);
  bench.upstream.otherwise_hangs = true;
  bench.accept("session");
  bench.settle();
  CHECK(bench.upstream.calls() == 1);
  freeze(bench, false);
  bench.invoke();
  bench.advance(1000);
  CHECK(bench.stats.cuts == 1);
}

TEST_CASE("a freeze while a large one is being compressed cuts nothing and blames nobody") {
  for (const bool steady_moves : {false, true}) {
    CAPTURE(steady_moves);
    DeliveryBench bench({.breaker_failures = 1});
    bench.upstream.fails(kRefused);
    bench.accept(support::parsed(
        support::envelope_text({support::item("event", std::string(8UL * 1024 * 1024, ' '))})));
    for (int i = 0; i < 8; ++i) bench.io.poll_one();
    REQUIRE(bench.delivery.work().in_flight == 1);
    bench.clock.advance(milliseconds{900});
    bench.delivery.set_gate(Gate::late);
    CHECK(bench.stats.breaker_openings == 0);
    freeze(bench, steady_moves);
    bench.invoke();
    // What became of it when it was sent is what counts.
    CHECK(bench.upstream.calls() == 1);
    CHECK(bench.stats.cuts == 0);
    CHECK(bench.stats.failures == 1);
    CHECK(bench.stats.breaker_openings == 1);
  }
}

TEST_CASE("a large one that is ready only when a freeze may come leaves by the late rule, too") {
  for (const std::string_view type : {"event", "log"}) {
    CAPTURE(type);
    DeliveryBench bench;
    bench.accept(support::parsed(
        support::envelope_text({support::item(type, std::string(8UL * 1024 * 1024, ' '))})));
    for (int i = 0; i < 8; ++i) bench.io.poll_one();
    REQUIRE(bench.delivery.work().in_flight == 1);
    REQUIRE(bench.upstream.calls() == 0);
    bench.gate(Gate::late);
    CHECK(bench.delivered() == (type == "event" ? 1 : 0));
    CHECK(bench.upstream.calls() == bench.delivered());
    bench.invoke();
    CHECK(bench.delivered() == 1);
    CHECK(bench.stats.failures == 0);
  }
}

TEST_CASE("in the gap only what upstream de-duplicates leaves at once") {
  struct Row {
    std::string_view type;
    bool leaves;
  };

  for (const auto& row : std::vector<Row>{{"event", true},
                                          {"transaction", true},
                                          {"session", false},
                                          {"log", false},
                                          {"check_in", false},
                                          {"feedback", false}}) {
    CAPTURE(row.type);
    DeliveryBench bench;
    bench.gate(Gate::late);
    bench.accept(row.type);
    bench.settle();
    CHECK(bench.delivered() == (row.leaves ? 1 : 0));
    bench.invoke();
    CHECK(bench.delivered() == 1);
  }
}

TEST_CASE(
    "in the gap the others leave when the process has stayed awake with them for long enough") {
  DeliveryBench bench;
  bench.gate(Gate::late);
  bench.stay_awake(30);  // before it came: does not count
  bench.accept("session");
  bench.settle();
  bench.stay_awake(240);
  CHECK(bench.upstream.calls() == 0);
  bench.stay_awake(10);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("one that comes and has to wait makes nobody look at all the others, who wait as well") {
  struct Row {
    Gate gate;
    bool broken;
  };

  for (const auto& row : {Row{Gate::closed, false}, Row{Gate::late, false},
                          Row{Gate::carried, false}, Row{Gate::open, true}}) {
    CAPTURE(static_cast<int>(row.gate));
    DeliveryBench bench;
    if (row.broken) {
      for (int failures = 0; failures < 3; ++failures) {
        bench.upstream.fails(kRefused);
        bench.accept("session");
      }
      bench.settle();
    }
    bench.gate(row.gate);
    const auto first = bench.accept("session");
    bench.settle();
    const auto calls = bench.upstream.calls();
    // Whoever looks at it corrects this.
    bench.backlog.find(first)->back_off_begun = relay::WallTime::max();
    for (int burst = 0; burst < 10; ++burst) {
      bench.accept("session");
      bench.settle();
    }
    CHECK(bench.backlog.find(first)->back_off_begun == relay::WallTime::max());
    CHECK(bench.upstream.calls() == calls);
    bench.backlog.find(first)->back_off_begun = {};
  }
}

TEST_CASE("time before an envelope came is not time it has stayed awake with us") {
  DeliveryBench bench;
  bench.gate(Gate::late);
  bench.advance(49);
  bench.accept("session");
  bench.settle();
  bench.stay_awake(249, 1);
  CHECK(bench.upstream.calls() == 0);
  bench.stay_awake(1, 1);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("a freeze adds at most one slice to the time awake, whatever the clocks say of it") {
  for (const bool steady_moves : {false, true}) {
    CAPTURE(steady_moves);
    DeliveryBench bench;
    bench.gate(Gate::late);
    bench.accept("session");
    bench.settle();
    bench.stay_awake(100);
    freeze(bench, steady_moves);
    bench.settle();
    CHECK(bench.upstream.calls() == 0);
    bench.stay_awake(90);
    CHECK(bench.upstream.calls() == 0);
    bench.stay_awake(60);
    CHECK(bench.delivered() == 1);
  }
}

TEST_CASE("what was fully written once does not leave in the gap, however long, and nobody looks") {
  DeliveryBench bench;
  relay::SendProgress progress;
  progress.fully_written = true;
  bench.upstream.fails(boost::asio::error::connection_reset, progress);
  bench.accept("event");
  bench.settle();
  bench.gate(Gate::late);
  bench.stay_awake(3000);
  CHECK(bench.upstream.calls() == 1);
  // Only the long sleep is left: no slice by slice.
  const auto before = bench.clock.sleepers();
  bench.advance(1000);
  CHECK(bench.clock.sleepers() == before);
  CHECK(bench.delivery.work().due == 1);
  bench.invoke();
  CHECK(bench.delivered() == 1);
}

TEST_CASE("an upstream that is down is not tried without a pause in the gap") {
  DeliveryBench bench;
  bench.gate(Gate::late);
  for (int i = 0; i < 50; ++i) bench.upstream.fails(kRefused);
  bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.calls() == 1);
  bench.advance(999);
  CHECK(bench.upstream.calls() == 1);
  bench.advance(1);
  CHECK(bench.upstream.calls() == 2);
}

TEST_CASE("what failed in the gap goes again at once with the next invoke: it may have been cut") {
  DeliveryBench bench;
  bench.gate(Gate::late);
  bench.upstream.fails(boost::asio::error::connection_reset);
  bench.accept("event");
  bench.settle();
  CHECK(bench.stats.cuts == 0);
  bench.invoke();
  CHECK(bench.delivered() == 1);
  CHECK(bench.stats.cuts == 1);
  CHECK(bench.lines.lines.empty());
}

TEST_CASE("what failed in the gap and was answered since was not cut by the next freeze") {
  DeliveryBench bench;
  bench.gate(Gate::early);
  bench.upstream.fails(kRefused);
  bench.upstream.answers(503);
  bench.accept("event");
  bench.settle();
  bench.advance(1000);
  REQUIRE(bench.upstream.calls() == 2);
  bench.invoke();
  CHECK(bench.stats.cuts == 0);
  CHECK(bench.upstream.calls() == 2);
}

TEST_CASE("of many that failed in the gap each that still waits goes again, and counts once") {
  DeliveryBench bench({.breaker_failures = 99});
  bench.gate(Gate::early);
  constexpr int kAll = 12;
  for (int i = 0; i < 3 * kAll; ++i) bench.upstream.fails(kRefused);
  for (int i = 0; i < kAll; ++i) bench.accept("event");
  bench.settle();
  bench.advance(1000);
  bench.advance(1500);
  REQUIRE(bench.upstream.calls() == 3 * kAll);
  bench.backlog.drop(1, DropReason::queue_overflow);
  bench.invoke();
  CHECK(bench.stats.cuts == kAll - 1);
  CHECK(bench.delivered() == kAll - 1);
}

TEST_CASE("after a thaw an answer that is there is taken") {
  for (const bool steady_moves : {false, true}) {
    CAPTURE(steady_moves);
    DeliveryBench bench;
    freeze_in_flight(bench, "event", steady_moves);
    bench.upstream.answer(0, 200);
    bench.invoke();
    CHECK(bench.delivered() == 1);
    CHECK(bench.upstream.calls() == 1);
    CHECK(bench.stats.cuts == 0);
  }
}

TEST_CASE("without an answer it is cut after the grace and sent again at once") {
  for (const bool steady_moves : {false, true}) {
    CAPTURE(steady_moves);
    DeliveryBench bench;
    freeze_in_flight(bench, "session", steady_moves);
    bench.invoke();
    CHECK(bench.upstream.calls() == 1);
    bench.advance(19);
    CHECK(bench.upstream.calls() == 1);
    bench.advance(1);
    CHECK(bench.upstream.calls() == 2);
    CHECK(bench.delivered() == 1);
    CHECK(bench.stats.cuts == 1);
    CHECK(bench.stats.possible_duplicates == 0);
  }
}

TEST_CASE(
    "what is written only after the thaw is no cut: its answer is waited for, up to a second") {
  DeliveryBench bench;
  freeze_in_flight(bench, "event", false);
  bench.invoke();
  bench.advance(15);
  auto& progress = *bench.upstream.call(0).progress;
  progress.fully_written = true;
  progress.last_byte = bench.clock.wall_now();
  bench.advance(5);
  CHECK(bench.upstream.calls() == 1);
  SUBCASE("it comes") {
    bench.advance(999);
    bench.upstream.answer(0, 200);
    bench.settle();
    CHECK(bench.delivered() == 1);
    CHECK(bench.stats.cuts == 0);
  }
  SUBCASE("it does not") {
    bench.advance(1000);
    CHECK(bench.upstream.calls() == 2);
    CHECK(bench.stats.cuts == 1);
  }
}

TEST_CASE("an answer within the grace is taken") {
  DeliveryBench bench;
  freeze_in_flight(bench, "session", false);
  bench.invoke();
  bench.advance(10);
  bench.upstream.answer(0, 200);
  bench.settle();
  CHECK(bench.delivered() == 1);
  CHECK(bench.stats.cuts == 0);
}

TEST_CASE("a freeze shorter than a second leaves the answer time to come, within the budget") {
  for (const std::int64_t budget : {400, 1000, 5000}) {
    CAPTURE(budget);
    relay::DeliverySettings settings;
    settings.budget = milliseconds{budget};
    DeliveryBench bench(settings);
    relay::SendProgress progress;
    progress.fully_written = true;
    progress.last_byte = bench.clock.wall_now();
    bench.upstream.hangs(progress);
    bench.accept("event");
    bench.settle();
    bench.gate(Gate::late);
    freeze(bench, true, milliseconds{900});
    bench.invoke();
    const auto grace = std::min<std::int64_t>(budget, 1000);
    bench.advance(grace - 1);
    CHECK(bench.upstream.calls() == 1);
    bench.advance(1);
    CHECK(bench.upstream.calls() == 2);
    CHECK(bench.stats.possible_duplicates == 1);
  }
}

TEST_CASE("cuts after a full write count towards the limit of resends") {
  DeliveryBench bench;
  relay::SendProgress progress;
  progress.fully_written = true;
  for (int i = 0; i < 3; ++i) bench.upstream.hangs(progress);
  bench.accept("session");
  bench.settle();
  for (int i = 0; i < 3; ++i) {
    bench.gate(Gate::late);
    freeze(bench, false);
    bench.invoke();
    bench.advance(20);
  }
  CHECK(bench.upstream.calls() == 2);
  CHECK(bench.stats.cuts == 2);
  CHECK(bench.dropped(DropReason::network_error) == 1);
}

TEST_CASE("an event that is cut again and again waits longer and longer, from its last byte on") {
  for (const bool exposed : {false, true}) {
    CAPTURE(exposed);
    relay::DeliverySettings settings;
    settings.breaker_failures = 1000;
    DeliveryBench bench(settings);
    bench.accept("event");
    std::vector<std::size_t> calls;
    for (int invoke = 0; invoke < 15; ++invoke) {
      bench.upstream.forget_script();
      bench.upstream.hangs({.fully_written = true, .last_byte = bench.clock.wall_now()});
      bench.invoke();
      bench.advance(20);
      calls.push_back(bench.upstream.calls());
      bench.gate(Gate::late);
      // Cut as the next event is asked for, or by the freeze itself.
      if (exposed && bench.upstream.hanging() > 0) {
        bench.upstream.fail(bench.upstream.calls() - 1, boost::asio::error::connection_reset);
        bench.settle();
      }
      freeze(bench, false, milliseconds{6000});
    }
    // 1 s, 1.5, … 5.1 s after the last byte are over by the next invoke, 7.6 and 11.4 by the one
    // after it, 17.1 one later.
    CHECK(calls == std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 9, 10, 10, 10, 11});
    CHECK(bench.backlog.size() == 1);
  }
}

TEST_CASE("a clock that steps back a day begins upstream's hour anew, once, not a day of repeats") {
  relay::DeliverySettings settings;
  settings.breaker_failures = 1000;
  DeliveryBench bench(settings);
  bench.accept("event");
  const auto cut = [&] {
    bench.upstream.forget_script();
    bench.upstream.hangs(support::written(bench.clock));
    bench.invoke();
    bench.advance(1000);
    bench.gate(Gate::late);
    freeze(bench, false, milliseconds{60'000});
  };
  for (int i = 0; i < 3; ++i) cut();
  bench.clock.freeze(milliseconds{0}, -std::chrono::hours{24});
  cut();
  CHECK(bench.backlog.size() == 1);
  bench.clock.freeze(milliseconds{0}, std::chrono::minutes{58});
  cut();
  CHECK(bench.upstream.calls() == 4);
  CHECK(bench.dropped(DropReason::network_error) == 1);
}

TEST_CASE(
    "a clock that steps back an hour does not make an answer worth waiting for in each hold") {
  DeliveryBench bench;
  bench.upstream.hangs(support::written(bench.clock));
  bench.accept("session");
  bench.settle();
  bench.gate(Gate::late);
  freeze(bench, false, -kHour);
  bench.invoke();
  bench.advance(500);
  CHECK(bench.upstream.calls() == 1);
  bench.gate(Gate::late);
  freeze(bench, false, milliseconds{5000});
  bench.invoke();
  bench.advance(20);
  CHECK(bench.stats.cuts == 1);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("a deadline that was overslept is a freeze nobody told of") {
  DeliveryBench bench;
  bench.upstream.hangs();
  bench.accept("session");
  bench.settle();
  freeze(bench, true);
  bench.settle();
  CHECK(bench.upstream.calls() == 1);
  bench.advance(20);
  CHECK(bench.delivered() == 1);
  CHECK(bench.stats.cuts == 1);
}

TEST_CASE("a back-off goes on through a freeze") {
  DeliveryBench bench;
  bench.upstream.answers(503);
  bench.accept("event");
  bench.settle();
  bench.gate(Gate::late);
  freeze(bench, false);
  bench.invoke();
  CHECK(bench.delivered() == 1);
}

TEST_CASE("nothing due in the gap wakes the process more than once a minute") {
  DeliveryBench bench({.connections = 4});
  bench.gate(Gate::late);
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 6; ++i) bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.calls() == 4);
  // Two wait for a place: they are looked at when a request ends, not slice by slice.
  const auto awake = bench.delivery.awake();
  for (int i = 0; i < 4; ++i) bench.advance(1000);
  CHECK(bench.delivery.awake() - awake <= milliseconds{50});
}

TEST_CASE("carried: what waited at INVOKE is work and leaves; what the invoke brings is neither") {
  DeliveryBench bench;
  bench.gate(Gate::late);
  bench.delivery.expect_soon(true);
  bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.calls() == 0);

  bench.upstream.hangs();
  bench.delivery.thawed();
  bench.delivery.set_gate(Gate::carried);
  CHECK(bench.delivery.work().due == 1);
  bench.settle();
  CHECK(bench.delivery.work().in_flight == 1);
  bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.calls() == 1);
  CHECK(bench.delivery.work().due == 0);
  bench.upstream.answer(0, 200);
  bench.settle();
  CHECK(bench.delivered() == 1);
  CHECK(bench.delivery.work().none());

  SUBCASE("it leaves with the next INVOKE, and no road is warmed for it before") {
    bench.delivery.expect_one();
    CHECK(bench.upstream.warmed() == 0);
    bench.gate(Gate::late);
    bench.delivery.thawed();
    bench.gate(Gate::carried);
    CHECK(bench.delivered() == 2);
  }
  SUBCASE("or when it has been awake with us for long, and not because we held") {
    bench.stay_awake(2000, 50);
    CHECK(bench.delivered() == 1);
    bench.gate(Gate::late);
    bench.stay_awake(240);
    CHECK(bench.delivered() == 1);
    bench.stay_awake(20);
    CHECK(bench.delivered() == 2);
  }
}

TEST_CASE("a hold is no evidence that no freeze will come: awake counts from the late gate on") {
  DeliveryBench bench;
  bench.upstream.answers(503);
  bench.accept("session");
  bench.settle();
  bench.stay_awake(1000, 50);
  bench.upstream.answers(503);
  const auto calls = bench.upstream.calls();
  bench.gate(Gate::late);
  bench.accept("session");
  bench.settle();
  bench.stay_awake(240);
  CHECK(bench.upstream.calls() == calls);
  bench.stay_awake(20);
  CHECK(bench.upstream.calls() > calls);
}

TEST_CASE("an answer slower than a hold is waited for in the next one, and nothing is sent twice") {
  DeliveryBench bench;
  relay::SendProgress written;
  written.fully_written = true;
  written.last_byte = bench.clock.wall_now();
  bench.upstream.hangs(written);
  bench.accept("event");
  bench.settle();
  bench.stay_awake(1010, 50);
  bench.gate(Gate::late);
  CHECK(bench.stats.breaker_openings == 0);
  bench.invoke();
  bench.stay_awake(200, 50);
  CHECK(bench.upstream.calls() == 1);
  bench.upstream.answer(0, 200);
  bench.settle();
  CHECK(bench.delivered() == 1);
  CHECK(bench.stats.possible_duplicates == 0);
}

TEST_CASE("an answer older than a request may last is not waited for") {
  for (const int passed : {4999, 5000}) {
    CAPTURE(passed);
    DeliveryBench bench;
    relay::SendProgress written;
    written.fully_written = true;
    written.last_byte = bench.clock.wall_now();
    bench.upstream.hangs(written);
    bench.accept("event");
    bench.settle();
    bench.gate(Gate::late);
    bench.clock.freeze(milliseconds{0}, milliseconds{passed});
    bench.invoke();
    bench.advance(20);
    CHECK(bench.upstream.calls() == (passed < 5000 ? 1 : 2));
  }
}

TEST_CASE(
    "a hold in vain is one failure of a host, however much was under way; three open the breaker") {
  DeliveryBench bench;
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 4; ++i) bench.accept("event");
  bench.settle();
  for (int hold = 1; hold <= 3; ++hold) {
    CAPTURE(hold);
    CHECK(bench.stats.breaker_openings == 0);
    bench.stay_awake(1000, 50);
    bench.gate(Gate::late);
    freeze(bench, false);
    bench.invoke();
    bench.stay_awake(30);  // cut, and sent again
  }
  CHECK(bench.stats.breaker_openings == 1);
}

TEST_CASE("what would hardly be answered before the gate closes is not begun, and is no work") {
  relay::DeliverySettings settings;
  settings.connections = 1;
  DeliveryBench bench(settings);
  bench.delivery.closes_at(bench.clock.now() + milliseconds{1000});
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 4; ++i) bench.accept("event");
  bench.settle();
  for (std::size_t call = 0; call < 2; ++call) {
    bench.stay_awake(400, 50);
    bench.upstream.answer(call, 200);
    bench.settle();
  }
  // Another 400 ms would be 1200.
  CHECK(bench.upstream.calls() == 2);
  CHECK(bench.delivery.work().none());
  bench.gate(Gate::late);
  bench.invoke();
  CHECK(bench.upstream.calls() == 3);
}

TEST_CASE(
    "the first request of a hold is begun, however long the last one took; its answer counts "
    "then") {
  relay::DeliverySettings settings;
  settings.connections = 1;
  DeliveryBench bench(settings);
  bench.upstream.hangs();
  bench.accept("event");
  bench.settle();
  bench.stay_awake(3000, 50);
  bench.upstream.answer(0, 200);
  bench.settle();

  bench.gate(Gate::late);
  bench.delivery.expect_soon(true);
  bench.accept("event");
  bench.accept("event");
  bench.upstream.hangs();
  bench.delivery.thawed();
  bench.delivery.set_gate(Gate::open);
  bench.delivery.closes_at(bench.clock.now() + milliseconds{1000});
  bench.settle();
  CHECK(bench.delivery.work().in_flight == 1);
  CHECK(bench.delivery.work().due == 0);
  bench.advance(100);
  bench.upstream.answer(1, 200);
  bench.settle();
  CHECK(bench.delivered() == 3);
}

TEST_SUITE_END();
