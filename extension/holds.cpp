#include "extension/holds.hpp"

#include <algorithm>
#include <chrono>
#include <ranges>
#include <utility>

namespace extension {

using relay::milliseconds;
using relay::WallTime;

std::string_view to_string(HeldFor what) {
  switch (what) {
    case HeldFor::nothing:
      return "nothing";
    case HeldFor::telemetry:
      return "telemetry";
    case HeldFor::delivery:
      return "delivery";
    case HeldFor::probe:
      return "probe";
  }
  return "";
}

void Holds::asked(Invoke invoke) {
  if (recent_.size() == kRecent) recent_.pop_front();
  Invoke& kept = recent_.emplace_back(std::move(invoke));
  ++unknown_;
  if (kept.ended) settle(kept, *kept.ended);
}

const Holds::Invoke* Holds::ended(std::string_view request_id, WallTime at) {
  for (Invoke& invoke : recent_ | std::views::reverse) {
    if (invoke.request_id != request_id || invoke.held) continue;
    settle(invoke, at);
    return &invoke;
  }
  return nullptr;
}

void Holds::settle(Invoke& invoke, WallTime ended) {
  --unknown_;
  invoke.ended = ended;
  const auto held = std::max(invoke.asked - ended, WallTime::duration{0});
  times_.add(held);
  invoke.held = std::chrono::duration_cast<milliseconds>(held);
  if (*invoke.held == milliseconds{0}) {
    invoke.what = HeldFor::nothing;
    return;
  }
  Sum& sum = sums_[static_cast<std::size_t>(invoke.what)];
  ++sum.invokes;
  sum.time += *invoke.held;
}

}  // namespace extension
