#include "proto/timestamp.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "proto/ascii.hpp"
#include "proto/errc.hpp"

namespace proto {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using std::chrono::sys_days;
using std::chrono::year_month_day;

/// Takes text apart from the left; one failed step makes all that follow fail.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  unsigned digits(std::size_t count) {
    if (rest_.size() < count) ok_ = false;
    unsigned value = 0;
    for (std::size_t i = 0; ok_ && i < count; ++i) {
      if (!is_digit(rest_[i])) ok_ = false;
      value = value * 10 + static_cast<unsigned>(rest_[i] - '0');
    }
    if (ok_) rest_.remove_prefix(count);
    return value;
  }

  void expect(std::string_view any_of) {
    if (!accept(any_of)) ok_ = false;
  }

  bool accept(std::string_view any_of) {
    if (!ok_ || rest_.empty() || !is_one_of(rest_.front(), any_of)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  /// Digits behind the decimal point; those beyond nanoseconds are cut off.
  nanoseconds fraction() {
    std::int64_t value = 0;
    std::size_t read = 0;
    for (; read < rest_.size() && is_digit(rest_[read]); ++read) {
      if (read < 9) value = value * 10 + (rest_[read] - '0');
    }
    if (read == 0) ok_ = false;
    for (std::size_t i = read; i < 9; ++i) value *= 10;
    rest_.remove_prefix(read);
    return nanoseconds{value};
  }

  [[nodiscard]] char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

  [[nodiscard]] bool done() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

year_month_day scan_date(Scanner& scan) {
  const unsigned year = scan.digits(4);
  scan.expect("-");
  const unsigned month = scan.digits(2);
  scan.expect("-");
  const unsigned day = scan.digits(2);
  return {std::chrono::year{static_cast<int>(year)}, std::chrono::month{month},
          std::chrono::day{day}};
}

/// Minutes east of UTC; out of range for what is no offset.
minutes scan_offset(Scanner& scan) {
  if (scan.accept("Zz")) return minutes{0};
  const bool west = scan.peek() == '-';
  scan.expect("+-");
  const unsigned hour = scan.digits(2);
  scan.accept(":");
  const unsigned minute = scan.digits(2);
  if (hour > 23 || minute > 59) return days{1};
  const minutes offset = hours{hour} + minutes{minute};
  return west ? -offset : offset;
}

/// What the clock cannot hold (it ends in 2262) becomes its nearest end.
WallTime saturated(seconds since_epoch, nanoseconds fraction) {
  constexpr auto kLatest = std::chrono::floor<seconds>(WallTime::max().time_since_epoch());
  constexpr auto kEarliest = std::chrono::ceil<seconds>(WallTime::min().time_since_epoch());
  if (since_epoch >= kLatest) return WallTime::max();
  if (since_epoch <= kEarliest) return WallTime::min();
  return WallTime{std::chrono::duration_cast<WallTime::duration>(since_epoch + fraction)};
}

}  // namespace

std::string to_rfc3339(WallTime time) {
  const auto midnight = std::chrono::floor<days>(time);
  const year_month_day date{midnight};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::microseconds>(time - midnight)};
  std::array<char, 48> text{};
  const int length = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(length)};
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  Scanner scan{text};
  const year_month_day date = scan_date(scan);
  scan.expect("Tt ");
  const unsigned hour = scan.digits(2);
  scan.expect(":");
  const unsigned minute = scan.digits(2);
  scan.expect(":");
  const unsigned second = scan.digits(2);
  const nanoseconds fraction = scan.accept(".") ? scan.fraction() : nanoseconds{0};
  const minutes offset = scan_offset(scan);
  // 60 is a leap second; it counts as the second behind it.
  const bool in_range = date.ok() && hour < 24 && minute < 60 && second <= 60;
  if (!scan.done() || !in_range || offset >= days{1}) return Errc::json_shape;
  const auto midnight = std::chrono::floor<seconds>(sys_days{date}.time_since_epoch());
  return saturated(midnight + hours{hour} + minutes{minute} + seconds{second} - offset, fraction);
}

}  // namespace proto
