// How long each invoke was held beyond its function's end, and what for: what Thaw costs, invoke by
// invoke. An end that is told after next was asked still counts; one that is never told is unknown.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "relay/clock.hpp"
#include "relay/histogram.hpp"

namespace extension {

/// What is waited for, and in the end what the hold was for.
enum class HeldFor : std::uint8_t {
  nothing,    ///< nothing was waited for: our own slowness
  telemetry,  ///< the function's end, or the news of it
  delivery,   ///< what was received, due or in flight
  probe,      ///< one request to a host that had not answered before
};
inline constexpr std::size_t kHeldForCount = 4;

[[nodiscard]] std::string_view to_string(HeldFor what);

class Holds {
 public:
  struct Invoke {
    std::string request_id;
    relay::WallTime begun;                    ///< INVOKE came
    relay::WallTime asked;                    ///< for next
    std::optional<relay::WallTime> ended{};   ///< the function's end; nullopt: not known
    std::optional<relay::milliseconds> held;  ///< nullopt: the function's end is not known
    HeldFor what = HeldFor::nothing;
    std::uint64_t accepted = 0;   ///< envelopes, since the invoke before it had asked
    std::uint64_t delivered = 0;  ///< the same
  };

  struct Sum {
    std::uint64_t invokes = 0;
    relay::milliseconds time{0};
  };

  /// How many of the last invokes are remembered one by one.
  static constexpr std::size_t kRecent = 16;

  /// Next was asked; the rest of `invoke` is what is known by then. All times are wall time: a
  /// freeze may lie between them.
  void asked(Invoke invoke);

  /// The platform told of an end after next had been asked: of the last attempt at the request.
  /// Returns that invoke; nullptr: none that is remembered and open.
  const Invoke* ended(std::string_view request_id, relay::WallTime at);

  /// Oldest first, kRecent at most.
  [[nodiscard]] const std::deque<Invoke>& recent() const { return recent_; }

  /// Of the invokes held for `what`, longer than not at all.
  [[nodiscard]] const Sum& of(HeldFor what) const { return sums_[static_cast<std::size_t>(what)]; }

  /// Of all whose end is known, those that were not held too.
  [[nodiscard]] const relay::Histogram& times() const { return times_; }

  /// Invokes of whose end nothing has been told.
  [[nodiscard]] std::uint64_t unknown() const { return unknown_; }

 private:
  void settle(Invoke& invoke, relay::WallTime ended);

  std::deque<Invoke> recent_;
  std::array<Sum, kHeldForCount> sums_{};
  relay::Histogram times_;
  std::uint64_t unknown_ = 0;
};

}  // namespace extension
