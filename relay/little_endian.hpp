// Numbers of fixed width and texts with their length, as our files hold them. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "proto/timestamp.hpp"

namespace relay {

template <std::unsigned_integral T>
void put_at(std::span<char> out, std::size_t at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out[at + i] = static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  }
}

template <std::unsigned_integral T>
void put(std::string& out, T value) {
  std::array<char, sizeof(T)> bytes{};
  put_at(std::span(bytes), 0, value);
  out.append(bytes.data(), bytes.size());
}

/// A length of 4 bytes and the text.
inline void put_text(std::string& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

/// `bytes` has that many from `at` on.
template <std::unsigned_integral T>
[[nodiscard]] T number_at(std::string_view bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(T{static_cast<unsigned char>(bytes[at + i])} << (8 * i));
  }
  return value;
}

/// Reads from the front; once something did not fit, everything after it is empty too.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  template <std::unsigned_integral T>
  T number() {
    const std::string_view bytes = take(sizeof(T));
    return bytes.size() == sizeof(T) ? number_at<T>(bytes, 0) : T{0};
  }

  std::string_view text() { return take(number<std::uint32_t>()); }

  [[nodiscard]] bool good() const { return good_; }

  [[nodiscard]] bool at_end() const { return good_ && rest_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    good_ = good_ && size <= rest_.size();
    if (!good_) return {};
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool good_ = true;
};

/// Nanoseconds. A clock before 1970 is a clock that was never set.
[[nodiscard]] inline std::uint64_t since_1970(proto::WallTime time) {
  const auto since =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  return static_cast<std::uint64_t>(std::max<std::int64_t>(since, 0));
}

/// nullopt: no time that a clock of ours can show.
[[nodiscard]] inline std::optional<proto::WallTime> time_of(std::uint64_t since_1970) {
  using std::chrono::nanoseconds;
  if (since_1970 > static_cast<std::uint64_t>(nanoseconds::max().count())) return std::nullopt;
  return proto::WallTime(std::chrono::duration_cast<proto::WallTime::duration>(
      nanoseconds(static_cast<std::int64_t>(since_1970))));
}

}  // namespace relay
