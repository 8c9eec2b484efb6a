// Waiting for something to become true, on one thread: who changes state notifies, who waits looks
// again.
#pragma once

#include <chrono>
#include <list>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

namespace sandbox {

namespace asio = boost::asio;
using SteadyTime = std::chrono::steady_clock::time_point;

class Condition {
 public:
  explicit Condition(asio::io_context& io) : io_(io) {}

  /// Wakes everyone who waits now.
  void notify();

  /// Returns at the next notify or at `deadline`, whichever comes first.
  asio::awaitable<void> wait_until(SteadyTime deadline);

  asio::awaitable<void> wait() { return wait_until(SteadyTime::max()); }

  /// Returns whether `holds` became true before `deadline`. `holds` may refer only to what outlives
  /// the awaiting coroutine.
  template <class Predicate>
  asio::awaitable<bool> until(Predicate holds, SteadyTime deadline = SteadyTime::max()) {
    while (!holds()) {
      if (std::chrono::steady_clock::now() >= deadline) co_return false;
      co_await wait_until(deadline);
    }
    co_return true;
  }

 private:
  asio::io_context& io_;
  std::list<asio::steady_timer*> waiters_;
};

/// Sleeps; ends early only when the task is cancelled, and then throws at its next await.
asio::awaitable<void> sleep_for(asio::io_context& io, std::chrono::steady_clock::duration length);

}  // namespace sandbox
