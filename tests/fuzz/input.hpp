// A fuzzer's bytes as the parts that a target wants, and the ways of the network: bytes that come
// in pieces of any size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fuzz {

class Input {
 public:
  explicit Input(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  /// 0 at the end.
  unsigned byte() {
    if (rest_.empty()) return 0;
    const auto first = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    return first;
  }

  /// Up to the next line end, which is taken off as well.
  std::string_view line() {
    const auto line = rest_.substr(0, rest_.find('\n'));
    rest_.remove_prefix(std::min(line.size() + 1, rest_.size()));
    return line;
  }

  std::string_view rest() { return take(rest_.size()); }

  std::string_view take(std::size_t most) {
    const auto taken = rest_.substr(0, most);
    rest_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view rest_;
};

/// Cuts a stream into pieces, the same ones for the same seed: 0 leaves it whole, 1 cuts it into
/// single bytes, any other seed into pieces of mixed sizes.
class Pieces {
 public:
  Pieces(std::string_view stream, unsigned seed) : rest_(stream), seed_(seed), state_(seed) {}

  [[nodiscard]] bool done() const { return rest_.empty(); }

  /// Not empty unless done.
  std::string_view next() {
    const auto piece = rest_.substr(0, size());
    rest_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::size_t size() {
    if (seed_ <= 1) return seed_ == 0 ? rest_.size() : 1;
    state_ = state_ * 1664525U + 1013904223U;
    // Mostly small: where a piece ends is what matters, not how long it is.
    return 1 + (state_ >> 8U) % (1U << (state_ >> 29U) * 2U);
  }

  std::string_view rest_;
  unsigned seed_;
  std::uint32_t state_;
};

[[nodiscard]] inline bool is_visible_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

/// It can stand in a header without breaking out of its line.
[[nodiscard]] inline bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

}  // namespace fuzz
