// RFC 3339, the one form of time both Sentry and Lambda write.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace proto {

using WallTime = std::chrono::system_clock::time_point;

/// Before this no clock is right, and what it says is better left out: a wrong `sent_at` would
/// shift all of the events' times upstream.
inline constexpr WallTime kOldestSane = std::chrono::sys_days{std::chrono::year{2020} / 1 / 1};

/// Nor is one from here on; up to here what a few more years or hours make of it fits the clock.
inline constexpr WallTime kLatestSane = std::chrono::sys_days{std::chrono::year{2200} / 1 / 1};

/// "2026-11-23T18:00:00.123456Z", always UTC, always six digits.
[[nodiscard]] std::string to_rfc3339(WallTime time);

/// Date, 'T' or 't' or ' ', time, optional fraction, 'Z' or offset. Error: json_shape.
[[nodiscard]] Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace proto
