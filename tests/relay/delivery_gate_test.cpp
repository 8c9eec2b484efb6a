// The sending side where time and the gate change beneath what is under way or waits.
#include <chrono>
#include <string>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include "tests/relay/delivery_bench.hpp"

using relay::Gate;
using relay::milliseconds;
using support::DeliveryBench;

namespace {

boost::asio::awaitable<void> wait_for(relay::Wakeup& changed, bool& told) {
  co_await changed.wait();
  told = true;
}

}  // namespace

TEST_SUITE_BEGIN("relay/delivery_gate");

TEST_CASE("who waits for the end of the work is told when a limit takes the last of it") {
  DeliveryBench bench;
  bench.gate(Gate::closed);
  bench.accept("session");
  bench.destinations.all().front()->limits.learn("60:session:organization", bench.clock.wall_now());
  bool told = false;
  bench.tasks.spawn(wait_for(bench.changed, told));
  bench.settle();
  CHECK_FALSE(told);
  bench.gate(Gate::open);
  CHECK(told);
}

TEST_CASE("a deadline up to 250 ms late was late; later than that it was frozen") {
  for (const int late : {249, 250}) {
    CAPTURE(late);
    DeliveryBench bench;
    bench.upstream.hangs();
    bench.accept("event");
    bench.settle();
    bench.advance(5000 + late);
    CHECK(bench.stats.failures == (late < 250 ? 1 : 0));
    bench.advance(20);
    CHECK(bench.stats.failures == 1);
    CHECK(bench.stats.cuts == (late < 250 ? 0 : 1));
  }
}

TEST_CASE("of a freeze one slice is time awake, however often it is asked afterwards") {
  DeliveryBench bench;
  const auto before = bench.delivery.awake();
  bench.clock.advance(milliseconds{600'000});
  for (int look = 0; look < 5; ++look) bench.gate(Gate::late);
  CHECK(bench.delivery.awake() - before == milliseconds{50});
}

TEST_CASE("looks less than a millisecond apart lose no time awake") {
  DeliveryBench bench;
  const auto before = bench.delivery.awake();
  for (int look = 0; look < 100; ++look) {
    bench.clock.advance(std::chrono::microseconds{900});
    bench.gate(Gate::late);
  }
  CHECK(bench.delivery.awake() - before == milliseconds{90});
}

TEST_CASE("what no freeze could have cut is not cut by a thaw") {
  DeliveryBench bench;
  bench.upstream.hangs();
  bench.accept("event");
  bench.settle();
  bench.delivery.thawed();
  bench.advance(1000);
  CHECK(bench.upstream.hanging() == 1);
  CHECK(bench.stats.cuts == 0);
}

TEST_CASE("a large one on its way is cut by a freeze like any other") {
  DeliveryBench bench;
  bench.upstream.hangs();
  bench.accept(support::parsed(
      support::envelope_text({support::item("event", std::string(1024UL * 1024, ' '))})));
  bench.settle();
  REQUIRE(bench.upstream.hanging() == 1);
  bench.gate(Gate::late);
  bench.clock.freeze(milliseconds{0}, milliseconds{60'000});
  bench.invoke();
  bench.advance(20);
  CHECK(bench.stats.cuts == 1);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("how long an answer took is counted, where no freeze can be part of it") {
  for (const bool exposed : {false, true}) {
    CAPTURE(exposed);
    DeliveryBench bench;
    bench.upstream.hangs();
    bench.accept("event");
    bench.settle();
    bench.advance(300);
    if (exposed) bench.gate(Gate::late);
    bench.upstream.answer(0, 200);
    bench.settle();
    CHECK(bench.stats.answer_time.count() == (exposed ? 0 : 1));
    CHECK(bench.stats.answer_time.sum() == milliseconds{exposed ? 0 : 300});
  }
}

TEST_CASE("a place that a limit left empty is filled although the last that was begun has left") {
  DeliveryBench bench({.connections = 2});
  bench.upstream.answers(200, "60:error:organization");
  bench.accept("event");
  bench.settle();
  bench.delivery.set_gate(Gate::closed);
  bench.upstream.otherwise_hangs = true;
  bench.accept("event");
  for (int i = 0; i < 2; ++i) bench.accept("transaction");
  bench.gate(Gate::open);
  CHECK(bench.upstream.hanging() == 2);
}

TEST_CASE("the end of a hold is the end of what was said of it") {
  DeliveryBench bench;
  bench.delivery.closes_at(bench.clock.now());
  bench.upstream.otherwise_hangs = true;
  bench.accept("event");
  bench.settle();
  bench.advance(10);
  bench.gate(Gate::late);
  bench.gate(Gate::open);
  for (int i = 0; i < 2; ++i) {
    bench.accept("event");
    bench.settle();
  }
  CHECK(bench.upstream.hanging() == 3);
}

TEST_CASE("a hold that is made longer has time for what it had none for, to the millisecond") {
  DeliveryBench bench;
  bench.upstream.hangs();
  bench.accept("event");
  bench.settle();
  bench.advance(400);
  bench.upstream.answer(0, 200);
  bench.settle();
  bench.delivery.closes_at(bench.clock.now() + milliseconds{399});
  bench.accept("event");
  bench.settle();
  CHECK(bench.delivered() == 1);
  bench.delivery.closes_at(bench.clock.now() + milliseconds{400});
  bench.settle();
  CHECK(bench.delivered() == 2);
}

TEST_CASE("at the end nothing is left for want of time: there is no other") {
  DeliveryBench bench;
  bench.upstream.otherwise_hangs = true;
  bench.delivery.set_gate(Gate::draining);
  bench.delivery.closes_at(bench.clock.now() - milliseconds{1});
  for (int i = 0; i < 2; ++i) {
    bench.accept("event");
    bench.settle();
  }
  CHECK(bench.upstream.hanging() == 2);
}

TEST_CASE("what waited for a gate that opens soon leaves when it does not") {
  DeliveryBench bench;
  bench.gate(Gate::late);
  bench.delivery.expect_soon(true);
  bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.calls() == 0);
  bench.delivery.expect_soon(false);
  bench.settle();
  CHECK(bench.delivered() == 1);
}

TEST_CASE("what an earlier process left waited already, whenever in a hold it is found") {
  DeliveryBench bench;
  bench.gate(Gate::carried);
  auto* where = bench.destinations.find_or_add(support::route());
  bench.backlog.recover(1, support::parcel(support::envelope({"session"})), *where, {});
  bench.delivery.accepted();
  bench.settle();
  CHECK(bench.delivered() == 1);
}

TEST_CASE("a time awake that is shorter than a slice is kept, too") {
  DeliveryBench bench({.late = milliseconds{20}});
  bench.gate(Gate::late);
  bench.accept("session");
  bench.settle();
  bench.advance(19);
  CHECK(bench.delivered() == 0);
  bench.advance(1);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("what the next gate lets leave wakes nobody before") {
  DeliveryBench bench;
  bench.gate(Gate::carried);
  bench.accept("session");
  bench.gate(Gate::carried);
  bench.accept("session");
  bench.settle();
  REQUIRE(bench.clock.next_wake().has_value());
  CHECK(*bench.clock.next_wake() - bench.clock.now() == milliseconds{60'000});
}

TEST_CASE("a kept connection that had died at the end costs no pause") {
  DeliveryBench bench;
  bench.gate(Gate::draining);
  relay::SendProgress progress = support::written(bench.clock);
  progress.reused_connection = true;
  bench.upstream.fails(boost::asio::error::connection_reset, progress);
  bench.accept("event");
  bench.settle();
  CHECK(bench.delivered() == 1);
}

TEST_CASE("in the gap a session leaves with its event, though only that is de-duplicated") {
  DeliveryBench bench;
  bench.gate(Gate::late);
  bench.accept(support::envelope({"event", "session"}));
  bench.settle();
  CHECK(bench.delivered() == 1);
}

TEST_CASE("an older check-in that turns up waits until the newer one is answered") {
  DeliveryBench bench;
  bench.upstream.hangs();
  bench.accept("check_in");
  bench.settle();
  auto* where = bench.destinations.find_or_add(support::route());
  bench.backlog.recover(1, support::parcel(support::envelope({"check_in"})), *where, {});
  bench.delivery.accepted();
  bench.settle();
  CHECK(bench.upstream.calls() == 1);
  bench.upstream.answer(0, 200);
  bench.settle();
  CHECK(bench.delivered() == 2);
}

TEST_SUITE_END();
