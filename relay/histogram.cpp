#include "relay/histogram.hpp"

#include <algorithm>
#include <numeric>

namespace relay {

void Histogram::add(std::chrono::nanoseconds length) {
  length = std::max(length, std::chrono::nanoseconds{0});
  const auto bucket = std::ranges::lower_bound(kBounds, length);
  ++buckets_[static_cast<std::size_t>(bucket - kBounds.begin())];
  sum_ += length;
}

std::uint64_t Histogram::count() const {
  return std::accumulate(buckets_.begin(), buckets_.end(), std::uint64_t{0});
}

}  // namespace relay
