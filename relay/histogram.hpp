// How long things took: how many fell into each bucket, and their sum. The buckets are the same for
// all of them, so that figures of many processes can be added.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace relay {

class Histogram {
 public:
  using Length = std::chrono::microseconds;

  /// What each bucket holds at most; the last one, which is not among them, holds the rest. From a
  /// local request that goes into memory to the longest hold.
  static constexpr std::array<Length, 16> kBounds{
      Length{100},       Length{250},       Length{500},       Length{1'000},
      Length{2'500},     Length{5'000},     Length{10'000},    Length{25'000},
      Length{50'000},    Length{100'000},   Length{250'000},   Length{500'000},
      Length{1'000'000}, Length{2'500'000}, Length{5'000'000}, Length{10'000'000}};

  /// A negative length counts as none.
  void add(std::chrono::nanoseconds length);

  [[nodiscard]] std::uint64_t count() const;

  [[nodiscard]] Length sum() const { return std::chrono::duration_cast<Length>(sum_); }

  /// One more than there are bounds; not cumulated.
  [[nodiscard]] const std::array<std::uint64_t, kBounds.size() + 1>& buckets() const {
    return buckets_;
  }

 private:
  std::array<std::uint64_t, kBounds.size() + 1> buckets_{};
  std::chrono::nanoseconds sum_{0};
};

}  // namespace relay
