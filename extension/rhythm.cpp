#include "extension/rhythm.hpp"

#include <algorithm>
#include <chrono>

namespace extension {
namespace {

constexpr double kWeight = 1.0 / 8;
constexpr double kPause = 4;

}  // namespace

void Rhythm::invoked(relay::WallTime now, bool urgent) {
  if (last_) {
    using Milliseconds = std::chrono::duration<double, std::milli>;
    last_gap_ms_ = std::max(Milliseconds(now - *last_).count(), 0.0);
    mean_ms_ = seen_ == 1 ? last_gap_ms_ : mean_ms_ + kWeight * (last_gap_ms_ - mean_ms_);
    calm_ = urgent ? 0 : std::min(calm_ + 1, kQuietAfter);
  }
  last_ = now;
  seen_ = std::min(seen_ + 1, kKnown);
}

bool Rhythm::soon(relay::milliseconds limit) const {
  return seen_ == kKnown && mean_ms_ <= static_cast<double>(limit.count()) &&
         last_gap_ms_ <= kPause * mean_ms_;
}

}  // namespace extension
