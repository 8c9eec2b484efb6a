// X-Sentry-Rate-Limits: which categories upstream does not want, and until when.
// Sentry develop docs, "Rate Limiting"; checked 2026-11. Wall-clock based: limits go on through a
// freeze.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "proto/category.hpp"
#include "proto/timestamp.hpp"

namespace proto {

/// The limits of one DSN.
class RateLimits {
 public:
  /// An answer's X-Sentry-Rate-Limits (several headers joined with ','). A shorter limit never
  /// shortens a longer one; unknown categories, and limits of only those, are ignored; an
  /// unparsable retry_after skips that limit. None counts as shorter than `at_least`, for who wants
  /// to know what an answer names and not for how long.
  void learn(std::string_view header, WallTime now,
             std::chrono::seconds at_least = std::chrono::seconds{0});

  /// A bare 429: `retry_after` as seconds or HTTP-date, 60 s if missing or unreadable, every
  /// category.
  void learn_bare_429(std::string_view retry_after, WallTime now);

  /// Whether an item of `category` may not be sent now. A remaining time is never longer than when
  /// it was learnt or last asked for, whatever the clock does.
  [[nodiscard]] bool blocked(Category category, WallTime now) const;
  [[nodiscard]] bool blocked(const ItemFacts& item, WallTime now) const;

  [[nodiscard]] bool any(WallTime now) const;

  /// What is left of the limit that holds for everything, and of each that holds for one category;
  /// none: 0.
  [[nodiscard]] std::chrono::seconds left(WallTime now) const { return all_.remaining(now); }

  [[nodiscard]] std::chrono::seconds left(Category category, WallTime now) const {
    return by_category_[static_cast<std::size_t>(category)].remaining(now);
  }

  /// The limits in force, as a header for SDKs: "60:error;transaction:key,30::organization". No
  /// space after commas (PHP would misread it). "" if none.
  [[nodiscard]] std::string to_header(WallTime now) const;

 private:
  /// Mutable is what it has seen of the clock, so that a step back is noticed whoever asks.
  struct Limit {
    mutable WallTime seen{};
    mutable WallTime until{};
    void see(WallTime now) const;
    [[nodiscard]] std::chrono::seconds remaining(WallTime now) const;
  };

  void extend(Limit& limit, std::chrono::seconds length, WallTime now);
  std::array<Limit, kCategoryCount> by_category_{};
  Limit all_{};
};

/// `Retry-After` as seconds or HTTP-date, at least 0. nullopt if it is neither.
[[nodiscard]] std::optional<std::chrono::seconds> parse_retry_after(std::string_view text,
                                                                    WallTime now);

}  // namespace proto
