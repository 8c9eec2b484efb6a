// Counts that may come from anywhere, added up in bounded memory.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "relay/histogram.hpp"

namespace extension {

/// Never goes over.
[[nodiscard]] std::uint64_t sum_of(std::uint64_t a, std::uint64_t b);

/// Counts by name. Bounded: a name that is none of Thaw's form, or one too many, counts as "other".
class Tally {
 public:
  static constexpr std::size_t kMostNames = 64;

  void add(std::string_view name, std::uint64_t count);
  void add(const Tally& other);
  /// At most what is there.
  void take(std::string_view name, std::uint64_t count);

  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& all() const {
    return counts_;
  }

  [[nodiscard]] std::uint64_t of(std::string_view name) const;
  [[nodiscard]] std::uint64_t total() const;

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;
};

/// A histogram's buckets, read back.
struct Times {
  std::uint64_t count = 0;
  std::array<std::uint64_t, relay::Histogram::kBounds.size() + 1> buckets{};

  void add(const Times& other);
};

}  // namespace extension
