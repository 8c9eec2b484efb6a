#include "relay/task_group.hpp"

#include <stdexcept>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <doctest/doctest.h>

#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"

namespace asio = boost::asio;
using relay::TaskGroup;
using support::settle;

namespace {

struct Bench {
  asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  relay::Wakeup never{io.get_executor()};
  std::vector<std::string> failures;
  TaskGroup tasks{io.get_executor(), [this](std::exception_ptr failure) {
                    failures.push_back(relay::describe(failure));
                  }};
  int ended = 0;

  asio::awaitable<void> ends_at_once() {
    ++ended;
    co_return;
  }

  asio::awaitable<void> waits() {
    const Ended mark{ended};
    co_await never.wait();
  }

  asio::awaitable<void> throws() {
    const Ended mark{ended};
    throw std::runtime_error("broken");
    co_return;
  }

  asio::awaitable<void> throws_cancellation() {
    throw boost::system::system_error(asio::error::operation_aborted);
    co_return;
  }

  asio::awaitable<bool> joined() {
    co_await tasks.join();
    co_return true;
  }

 private:
  struct Ended {
    int& count;

    ~Ended() { ++count; }
  };
};

}  // namespace

TEST_SUITE_BEGIN("relay/task_group");

TEST_CASE("a task runs, ends, and leaves the group") {
  Bench bench;
  bench.tasks.spawn(bench.ends_at_once());
  CHECK(bench.tasks.size() == 1);
  settle(bench.io);
  CHECK(bench.ended == 1);
  CHECK(bench.tasks.size() == 0);
}

TEST_CASE("stop cancels every task, and join returns when the last one has ended") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.tasks.spawn(bench.waits());
  settle(bench.io);
  support::Started<bool> joining(bench.io, bench.joined());
  settle(bench.io);
  CHECK_FALSE(joining.done());
  bench.tasks.stop();
  CHECK(joining.get());
  CHECK(bench.ended == 3);
  CHECK(bench.failures.empty());
}

TEST_CASE("a task that was never begun when the group stopped ends all the same") {
  Bench bench;
  bench.tasks.spawn(bench.waits());
  bench.tasks.stop();
  settle(bench.io);
  CHECK(bench.tasks.size() == 0);
}

TEST_CASE("after stop a task is refused, and never runs") {
  Bench bench;
  bench.tasks.stop();
  bench.tasks.spawn(bench.ends_at_once());
  settle(bench.io);
  CHECK(bench.ended == 0);
  CHECK(bench.tasks.size() == 0);
}

TEST_CASE("a failure is reported once; a cancellation is none") {
  Bench bench;
  bench.tasks.spawn(bench.throws());
  bench.tasks.spawn(bench.throws_cancellation());
  settle(bench.io);
  CHECK(bench.failures == std::vector<std::string>{"broken"});
  CHECK(bench.tasks.size() == 0);
}

TEST_CASE("a report that fails itself neither ends the loop nor keeps join waiting") {
  Bench bench;
  TaskGroup tasks(bench.io.get_executor(),
                  [](const std::exception_ptr&) { throw std::bad_alloc(); });
  tasks.spawn(bench.throws());
  CHECK_NOTHROW(settle(bench.io));
  CHECK(tasks.size() == 0);
  tasks.stop();
}

TEST_CASE("what must keep running is begun again after a failure, not before a pause") {
  Bench bench;
  const auto report = [&](std::exception_ptr failure) {
    bench.failures.push_back(relay::describe(failure));
  };
  bench.tasks.spawn(relay::keep_running(bench.clock, report, [&] {
    return bench.failures.empty() ? bench.throws() : bench.waits();
  }));
  settle(bench.io);
  CHECK(bench.failures.size() == 1);
  CHECK(bench.ended == 1);
  bench.clock.advance(relay::milliseconds{999});
  settle(bench.io);
  CHECK(bench.ended == 1);
  bench.clock.advance(relay::milliseconds{1});
  settle(bench.io);
  bench.tasks.stop();
  settle(bench.io);
  CHECK(bench.ended == 2);
  CHECK(bench.failures.size() == 1);
  CHECK(bench.tasks.size() == 0);
}

TEST_CASE("an exception of any type has a text") {
  CHECK(relay::describe(std::make_exception_ptr(std::runtime_error("x"))) == "x");
  CHECK(relay::describe(std::make_exception_ptr(7)) == "an exception of unknown type");
}

TEST_SUITE_END();
