// A condition variable for one thread: wait() until somebody calls notify(). As nothing else runs
// between a check and the wait that follows it, `while (!condition) co_await wakeup.wait();` misses
// nothing.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "relay/clock.hpp"

namespace relay {

class Wakeup {
 public:
  explicit Wakeup(const asio::any_io_executor& executor);

  /// Wakes everyone who waits now.
  void notify();

  /// Returns at the next notify(), or early when cancelled.
  [[nodiscard]] asio::awaitable<void> wait();

  /// The same, but no later than `deadline`.
  [[nodiscard]] asio::awaitable<void> wait_until(Clock& clock, SteadyTime deadline);

 private:
  asio::steady_timer never_;
};

}  // namespace relay
