// Lines that each begin with a letter: L is an X-Sentry-Rate-Limits, R a Retry-After without one, T
// moves the wall clock by so many seconds, or back.
#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "proto/number.hpp"
#include "proto/rate_limits.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

using std::chrono::seconds;

constexpr seconds kLongest = std::chrono::days{7};
constexpr auto kCategories = proto::all_categories();
using Left = std::array<seconds, proto::kCategoryCount>;

/// How long each category is held, whatever by.
Left left_of(const proto::RateLimits& limits, proto::WallTime now) {
  Left left{};
  for (const auto category : kCategories) {
    if (!limits.blocked(category, now)) continue;
    left[static_cast<std::size_t>(category)] =
        std::max(limits.left(now), limits.left(category, now));
  }
  return left;
}

void check_told(const proto::RateLimits& limits, proto::WallTime now) {
  const Left left = left_of(limits, now);
  for (const seconds each : left) CHECK((each >= seconds{0} && each <= kLongest));
  const std::string header = limits.to_header(now);
  CHECK(fuzz::is_one_line(header));
  CHECK(header.empty() != limits.any(now));
  proto::RateLimits told;
  told.learn(header, now);
  CHECK(left_of(told, now) == left);
}

/// Years either way, as a clock may be wrong.
proto::WallTime moved(proto::WallTime now, std::string_view text) {
  constexpr std::int64_t kMost = 1'000'000'000;
  const auto by = proto::parse_number<std::int64_t>(text).value_or(1);
  return std::clamp(now + seconds{std::clamp(by, -kMost, kMost)},
                    proto::WallTime{seconds{-2 * kMost}}, proto::WallTime{seconds{4 * kMost}});
}

}  // namespace

void fuzz::rate_limits(std::string_view bytes) {
  Input input(bytes);
  proto::RateLimits limits;
  proto::WallTime now{seconds{1'795'456'800}};
  while (!input.empty()) {
    const auto line = input.line();
    const Left before = left_of(limits, now);
    const char what = line.empty() ? ' ' : line.front();
    const auto text = line.substr(std::min<std::size_t>(1, line.size()));
    if (what == 'T') now = moved(now, text);
    if (what == 'L') limits.learn(text, now);
    if (what == 'R') limits.learn_bare_429(text, now);
    const auto retry = proto::parse_retry_after(text, now);
    if (retry) CHECK((*retry >= seconds{0} && *retry <= kLongest));
    const Left after = left_of(limits, now);
    // Time makes none longer, news none shorter.
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (what == 'T') CHECK(after[i] <= before[i]);
      if (what != 'T') CHECK(after[i] >= before[i]);
    }
    check_told(limits, now);
  }
}
