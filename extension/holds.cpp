#include "extension/holds.hpp"

#include <algorithm>
#include <chrono>
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

void Holds::asked(std::string request_id, WallTime asked, std::optional<WallTime> ended,
                  HeldFor what) {
  if (recent_.size() == kRecent) recent_.pop_front();
  auto& invoke = recent_.emplace_back(Invoke{std::move(request_id), asked, std::nullopt, what});
  ++unknown_;
  if (ended) settle(invoke, *ended);
}

bool Holds::ended(std::string_view request_id, WallTime at) {
  const auto found = std::ranges::find_if(recent_, [&](const Invoke& invoke) {
    return invoke.request_id == request_id && !invoke.held;
  });
  if (found == recent_.end()) return false;
  settle(*found, at);
  return true;
}

void Holds::settle(Invoke& invoke, WallTime ended) {
  --unknown_;
  invoke.held =
      std::max(std::chrono::duration_cast<milliseconds>(invoke.asked - ended), milliseconds{0});
  if (*invoke.held == milliseconds{0}) {
    invoke.what = HeldFor::nothing;
    return;
  }
  Sum& sum = sums_[static_cast<std::size_t>(invoke.what)];
  ++sum.invokes;
  sum.time += *invoke.held;
}

Holds::Sum Holds::total() const {
  Sum total;
  for (const Sum& sum : sums_) {
    total.invokes += sum.invokes;
    total.time += sum.time;
  }
  return total;
}

}  // namespace extension
