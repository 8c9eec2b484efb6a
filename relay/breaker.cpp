#include "relay/breaker.hpp"

#include <algorithm>

namespace relay {
namespace {

// A second spares a host that restarts; a minute is how long one that is back may go unnoticed.
constexpr milliseconds kFirstPause{1000};
constexpr milliseconds kLongestPause{60000};

}  // namespace

void Breaker::succeeded() {
  failures_ = 0;
  open_ = false;
}

void Breaker::failed(WallTime now) {
  if (open_ || ++failures_ < threshold_) return;
  open_ = true;
  since_ = now;
  pause_ = kFirstPause;
}

milliseconds Breaker::until_probe(WallTime now) {
  if (!open_) return milliseconds{0};
  since_ = std::min(since_, now);
  return std::max(std::chrono::ceil<milliseconds>(since_ + pause_ - now), milliseconds{0});
}

void Breaker::probe_begun(WallTime now) {
  if (!open_) return;
  since_ = now;
  pause_ = std::min(pause_ * 2, kLongestPause);
}

}  // namespace relay
