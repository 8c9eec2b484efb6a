#include "proto/rate_limits.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <system_error>

#include "proto/ascii.hpp"
#include "proto/number.hpp"

namespace proto {
namespace {

using std::chrono::seconds;

/// An upstream gone mad does not silence a sandbox for good: then it is asked again. Sentry's own
/// limits are far shorter (getsentry/relay: relay-config/src/config.rs, max_rate_limit, 300 s).
constexpr seconds kLongest = std::chrono::hours{1};

constexpr seconds kBare429 = seconds{60};  // Sentry dev docs, "Rate Limiting"

std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return trimmed(part);
}

/// Whole seconds from an integer or decimal number, rounded up, at least 0.
std::optional<seconds> parse_seconds(std::string_view text) {
  const auto number = parse_number<double>(text);
  if (!number || !std::isfinite(*number)) return std::nullopt;
  const double longest = static_cast<double>(kLongest.count());
  return seconds{static_cast<std::int64_t>(std::ceil(std::clamp(*number, 0.0, longest)))};
}

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7), the only form that may still be made.
std::optional<WallTime> parse_http_date(std::string_view text) {
  constexpr std::string_view kShape = "Sun, 06 Nov 1994 08:49:37 GMT";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != kShape.size() || !text.ends_with(" GMT")) return std::nullopt;
  const std::size_t month = kMonths.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0) return std::nullopt;
  const std::string number = (month / 3 < 9 ? "0" : "") + std::to_string(month / 3 + 1);
  std::string iso{text.substr(12, 4)};
  iso.append("-").append(number).append("-").append(text.substr(5, 2));
  iso.append("T").append(text.substr(17, 8)).append("Z");
  const auto time = parse_rfc3339(iso);
  if (!time) return std::nullopt;
  return *time;
}

/// The category whose items a limit of this name stops. Chunks are what profiling time is made of.
std::optional<Category> limited_category(std::string_view name) {
  if (name == "profile_duration") return Category::profile_chunk;
  if (name == "profile_duration_ui") return Category::profile_chunk_ui;
  return category_of_name(name);
}

/// The names of the categories with just this length, which are done with then.
std::string take_names(std::array<seconds, kCategoryCount>& left, seconds length) {
  std::string names;
  for (const Category category : all_categories()) {
    seconds& own = left[static_cast<std::size_t>(category)];
    if (own != length) continue;
    if (!names.empty()) names += ';';
    names += name(category);
    own = seconds{0};
  }
  return names;
}

}  // namespace

std::optional<seconds> parse_retry_after(std::string_view text, WallTime now) {
  text = trimmed(text);
  if (const auto number = parse_seconds(text)) return number;
  const auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  if (*date <= now) return seconds{0};
  // Of what is farther away no difference can be told.
  if (*date >= now + kLongest) return kLongest;
  return std::chrono::ceil<seconds>(*date - now);
}

void RateLimits::Limit::see(WallTime now) const {
  // A clock that was set back has not given back the time that passed.
  if (now < seen) until = now + std::max(until - seen, WallTime::duration{0});
  seen = now;
}

seconds RateLimits::Limit::remaining(WallTime now) const {
  see(now);
  return std::max(std::chrono::ceil<seconds>(until - now), seconds{0});
}

void RateLimits::extend(Limit& limit, seconds length, WallTime now) {
  limit.see(now);
  limit.until = std::max(limit.until, now + length);
}

void RateLimits::learn(std::string_view header, WallTime now, seconds at_least) {
  while (!header.empty()) {
    std::string_view fields = take_until(header, ',');
    // Without a colon it has no categories, not even an empty list of them.
    const bool has_categories = fields.find(':') != std::string_view::npos;
    const auto read = parse_seconds(take_until(fields, ':'));
    if (!has_categories || !read) continue;
    const seconds length = std::max(*read, at_least);
    std::string_view categories = take_until(fields, ':');
    if (categories.empty()) extend(all_, length, now);
    // Namespaces, which only metric buckets have, are not looked at: such a limit holds for all of
    // them.
    while (!categories.empty()) {
      const auto category = limited_category(take_until(categories, ';'));
      if (category) extend(by_category_[static_cast<std::size_t>(*category)], length, now);
    }
  }
}

void RateLimits::learn_bare_429(std::string_view retry_after, WallTime now) {
  extend(all_, parse_retry_after(retry_after, now).value_or(kBare429), now);
}

bool RateLimits::blocked(Category category, WallTime now) const {
  if (category == Category::internal) return false;
  const Limit& own = by_category_[static_cast<std::size_t>(category)];
  return std::max(own.remaining(now), all_.remaining(now)) > seconds{0};
}

bool RateLimits::blocked(const ItemFacts& item, WallTime now) const {
  if (ledger_category(item) == Category::internal) return false;
  if (all_.remaining(now) > seconds{0}) return true;
  return std::ranges::any_of(limit_categories(item), [&](const auto& category) {
    return category && blocked(*category, now);
  });
}

bool RateLimits::any(WallTime now) const {
  constexpr auto kAll = all_categories();
  return all_.remaining(now) > seconds{0} ||
         std::ranges::any_of(kAll, [&](Category category) { return blocked(category, now); });
}

std::string RateLimits::to_header(WallTime now) const {
  const auto is_free = [](const Limit& limit) { return limit.until == WallTime{}; };
  if (is_free(all_) && std::ranges::all_of(by_category_, is_free)) return {};
  // A category's own limit is named only if it outlasts the one for all: an SDK (JavaScript's) that
  // has both believes the category's, even where it is the shorter.
  const seconds all = all_.remaining(now);
  std::array<seconds, kCategoryCount> left{};
  for (const Category category : all_categories()) {
    const auto index = static_cast<std::size_t>(category);
    const seconds own = by_category_[index].remaining(now);
    if (category != Category::internal && own > all) left[index] = own;
  }
  std::string header;
  for (const seconds length : left) {
    if (length == seconds{0}) continue;
    if (!header.empty()) header += ',';
    header += std::to_string(length.count()) + ":" + take_names(left, length) + ":key";
  }
  if (all == seconds{0}) return header;
  return header + (header.empty() ? "" : ",") + std::to_string(all.count()) + "::organization";
}

}  // namespace proto
