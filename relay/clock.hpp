// Time comes in through this door only. Two kinds, two types, never mixed:
// now() is monotonic and trusted only between two freezes; wall_now() is the wall clock as it is.
// Ages and limits are differences of wall time, clamped where they are computed.
#pragma once

#include <chrono>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

namespace relay {

namespace asio = boost::asio;

using SteadyTime = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using std::chrono::milliseconds;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime now() const = 0;
  [[nodiscard]] virtual WallTime wall_now() const = 0;
  /// Returns at `time`, or early when cancelled. Whether a freeze counts is the kernel's business:
  /// after a long wait ask the clock again.
  [[nodiscard]] virtual asio::awaitable<void> sleep_until(SteadyTime time) = 0;
};

/// The age of something that happened at `then`; a clock that stepped back makes it 0, not
/// negative.
[[nodiscard]] milliseconds age(WallTime then, WallTime now);

/// What is left of `length` that began at `begun`: never negative, never longer than `length`.
[[nodiscard]] milliseconds remaining(WallTime begun, milliseconds length, WallTime now);

class SystemClock final : public Clock {
 public:
  explicit SystemClock(asio::any_io_executor executor) : executor_(std::move(executor)) {}

  [[nodiscard]] SteadyTime now() const override;
  [[nodiscard]] WallTime wall_now() const override;
  [[nodiscard]] asio::awaitable<void> sleep_until(SteadyTime time) override;

 private:
  asio::any_io_executor executor_;
};

}  // namespace relay
