// The two ways to wait: for somebody, and for no longer than.
#include "relay/wakeup.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>

#include "relay/deadline.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"

namespace asio = boost::asio;
using relay::milliseconds;
using support::settle;
using support::Started;

namespace {

struct Bench {
  asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  relay::Wakeup wakeup{io.get_executor()};

  asio::awaitable<bool> wait() {
    co_await wakeup.wait();
    co_return true;
  }

  asio::awaitable<bool> wait_for(milliseconds time) {
    co_await wakeup.wait_until(clock, clock.now() + time);
    co_return true;
  }

  asio::awaitable<proto::Result<int>> value_after_wakeup() {
    co_await wakeup.wait();
    co_return 7;
  }

  asio::awaitable<proto::Result<int>> with_limit(milliseconds time) {
    return relay::with_deadline(clock, clock.now() + time, value_after_wakeup());
  }
};

}  // namespace

TEST_SUITE_BEGIN("relay/wakeup");

TEST_CASE("everyone who waits is woken, and who comes later waits for the next") {
  Bench bench;
  Started<bool> first(bench.io, bench.wait());
  Started<bool> second(bench.io, bench.wait());
  settle(bench.io);
  CHECK_FALSE(first.done());
  bench.wakeup.notify();
  settle(bench.io);
  CHECK(first.done());
  CHECK(second.done());
  Started<bool> third(bench.io, bench.wait());
  settle(bench.io);
  CHECK_FALSE(third.done());
}

TEST_CASE("a wait with an end returns then, and not a moment earlier") {
  Bench bench;
  Started<bool> waiting(bench.io, bench.wait_for(milliseconds{100}));
  settle(bench.io);
  bench.clock.advance(milliseconds{99});
  settle(bench.io);
  CHECK_FALSE(waiting.done());
  bench.clock.advance(milliseconds{1});
  CHECK(waiting.get());
  CHECK(bench.clock.sleepers() == 0);
}

TEST_CASE("a wait with an end that is past does not wait") {
  Bench bench;
  Started<bool> waiting(bench.io, bench.wait_for(milliseconds{0}));
  CHECK(waiting.get());
}

TEST_CASE("a notice that comes in the same turn as the wait begins is not missed") {
  Bench bench;
  // Both are ready before the loop runs: the wait begins, and the notice is next in line.
  Started<bool> waiting(bench.io, bench.wait_for(milliseconds{1000}));
  asio::post(bench.io, [&] { bench.wakeup.notify(); });
  settle(bench.io);
  CHECK(waiting.done());
}

TEST_CASE("a cancelled wait ends and leaves no sleeper behind") {
  Bench bench;
  Started<bool> waiting(bench.io, bench.wait_for(milliseconds{1000}));
  settle(bench.io);
  waiting.cancel();
  settle(bench.io);
  CHECK(waiting.done());
  CHECK(bench.clock.sleepers() == 0);
}

TEST_CASE("work with a deadline gives its value, or the deadline's error after its own end") {
  Bench bench;
  {
    Started<proto::Result<int>> work(bench.io, bench.with_limit(milliseconds{100}));
    settle(bench.io);
    bench.wakeup.notify();
    CHECK(work.get().value() == 7);
  }
  Started<proto::Result<int>> work(bench.io, bench.with_limit(milliseconds{100}));
  settle(bench.io);
  bench.clock.advance(milliseconds{100});
  CHECK(work.get().error() == relay::Errc::deadline_exceeded);
  CHECK(bench.clock.sleepers() == 0);
}

TEST_CASE("an age is never negative, and what remains never longer than it was") {
  const relay::WallTime then{std::chrono::seconds{1000}};
  CHECK(relay::age(then, then + milliseconds{5}) == milliseconds{5});
  CHECK(relay::age(then, then - milliseconds{5}) == milliseconds{0});
  CHECK(relay::remaining(then, milliseconds{100}, then + milliseconds{40}) == milliseconds{60});
  CHECK(relay::remaining(then, milliseconds{100}, then + milliseconds{101}) == milliseconds{0});
  CHECK(relay::remaining(then, milliseconds{100}, then - std::chrono::hours{1}) ==
        milliseconds{100});
}

TEST_SUITE_END();
