#include "relay/clock.hpp"

#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace relay {

milliseconds age(WallTime then, WallTime now) {
  return std::max(std::chrono::duration_cast<milliseconds>(now - then), milliseconds{0});
}

milliseconds remaining(WallTime begun, milliseconds length, WallTime now) {
  const auto left = std::chrono::duration_cast<milliseconds>(begun + length - now);
  return std::clamp(left, milliseconds{0}, length);
}

SteadyTime SystemClock::now() const { return std::chrono::steady_clock::now(); }

WallTime SystemClock::wall_now() const { return std::chrono::system_clock::now(); }

asio::awaitable<void> SystemClock::sleep_until(SteadyTime time) {
  asio::steady_timer timer(executor_, time);
  boost::system::error_code cancelled;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
}

}  // namespace relay
