// Whether the environment is frozen, and time that passes only while it is not.
#pragma once

#include <chrono>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/sandbox/condition.hpp"

namespace sandbox {

class Frost {
 public:
  explicit Frost(asio::io_context& io) : changed_(io) {}

  [[nodiscard]] bool frozen() const { return frozen_; }

  void begin();
  void end();

  /// Returns at once if not frozen, else at the thaw.
  asio::awaitable<void> thawed();

  /// Returns when the next freeze, or the one it is in, is over.
  asio::awaitable<void> next_thaw();

  /// Unfrozen time since the beginning: a clock that stands still in a freeze.
  [[nodiscard]] std::chrono::steady_clock::duration awake_time() const;

  /// Sleeps `length` of unfrozen time.
  asio::awaitable<void> sleep_awake(std::chrono::steady_clock::duration length);

 private:
  Condition changed_;
  bool frozen_ = false;
  unsigned thaws_ = 0;
  SteadyTime since_ = std::chrono::steady_clock::now();  ///< the last change
  std::chrono::steady_clock::duration awake_before_{0};  ///< up to then
};

}  // namespace sandbox
