// Which items of a request a rate limit takes, and what is left of it. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "proto/bytes.hpp"
#include "proto/category.hpp"
#include "proto/envelope.hpp"
#include "proto/rate_limits.hpp"

namespace relay {

/// Of its items, in order. Lives as long as the envelope.
[[nodiscard]] std::vector<proto::ItemFacts> facts_of(const proto::Envelope& envelope);

/// One flag per item: blocked by a limit in force, or a dependant of the envelope's event that is
/// (Sentry develop docs, "Envelope Items").
[[nodiscard]] std::vector<bool> limited_items(std::span<const proto::ItemFacts> items,
                                              const proto::RateLimits& limits, proto::WallTime now);

/// What the flagged ones count as.
[[nodiscard]] proto::CategoryCounts counts_of(std::span<const proto::ItemFacts> items,
                                              const std::vector<bool>& flagged);

/// The limits that the X-Sentry-Rate-Limits of a 429 names. The 429 is partial: what none of them
/// blocks was taken. One that is over already, "0:error:key", was in force when upstream looked
/// (getsentry/relay: relay-server/src/endpoints/common.rs).
[[nodiscard]] proto::RateLimits limits_of_429(std::string_view rate_limits, proto::WallTime now);

/// An envelope without its flagged items, copied some at a time.
class Without {
 public:
  /// `envelope` outlives it.
  Without(const proto::Envelope& envelope, std::vector<bool> flagged);

  /// Copies about `bytes` more. True: that was the last of it.
  [[nodiscard]] bool step(std::size_t bytes);

  /// When step() was true, once: the header and the items that are left, byte for byte as they
  /// came. nullopt: no item is.
  [[nodiscard]] std::optional<proto::Envelope> take();

 private:
  const proto::Envelope& envelope_;
  std::vector<bool> flagged_;
  std::size_t item_ = 0;    ///< that is copied
  std::size_t copied_ = 0;  ///< of it
  proto::Bytes rest_;
};

/// The same at once.
[[nodiscard]] std::optional<proto::Envelope> without(const proto::Envelope& envelope,
                                                     std::vector<bool> flagged);

}  // namespace relay
