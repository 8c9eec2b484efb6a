// A clock a test moves by hand: monotonic and wall time apart, so that a freeze can be either kind.
#pragma once

#include <algorithm>
#include <chrono>
#include <list>
#include <optional>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "relay/clock.hpp"

namespace support {

class ManualClock final : public relay::Clock {
 public:
  /// Starts at a monotonic time of one hour and at 2026-11-23T18:00:00Z.
  explicit ManualClock(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  [[nodiscard]] relay::SteadyTime now() const override { return now_; }

  [[nodiscard]] relay::WallTime wall_now() const override { return wall_now_; }

  [[nodiscard]] boost::asio::awaitable<void> sleep_until(relay::SteadyTime time) override {
    namespace asio = boost::asio;
    const auto later = std::find_if(sleepers_.begin(), sleepers_.end(),
                                    [&](const Sleeper& sleeper) { return sleeper.time > time; });
    const auto self = sleepers_.insert(
        later, Sleeper{time, asio::steady_timer(executor_, asio::steady_timer::time_point::max())});
    const Listed listed{sleepers_, self};
    if (time <= now_) self->timer.expires_at(asio::steady_timer::time_point::min());
    boost::system::error_code woken;
    co_await self->timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }

  /// Both move; sleepers whose time has come wake, the earliest first, when the loop runs.
  void advance(std::chrono::nanoseconds by) { freeze(by, by); }

  /// A freeze and its thaw: each clock moves by what the platform makes of it.
  void freeze(std::chrono::nanoseconds steady, std::chrono::nanoseconds wall) {
    now_ += steady;
    wall_now_ += wall;
    for (auto& sleeper : sleepers_) {
      if (sleeper.time <= now_) sleeper.timer.cancel();
    }
  }

  [[nodiscard]] std::size_t sleepers() const { return sleepers_.size(); }

  /// When the first of them wakes; nullopt: nobody sleeps.
  [[nodiscard]] std::optional<relay::SteadyTime> next_wake() const {
    if (sleepers_.empty()) return std::nullopt;
    return sleepers_.front().time;
  }

 private:
  struct Sleeper {
    relay::SteadyTime time;
    boost::asio::steady_timer timer;
  };

  // Leaves the list however the wait ends.
  struct Listed {
    std::list<Sleeper>& all;
    std::list<Sleeper>::iterator self;

    ~Listed() { all.erase(self); }
  };

  boost::asio::any_io_executor executor_;
  relay::SteadyTime now_{std::chrono::hours{1}};
  relay::WallTime wall_now_{std::chrono::seconds{1'795'456'800}};
  std::list<Sleeper> sleepers_;  ///< the earliest first
};

}  // namespace support
