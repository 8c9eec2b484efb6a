#include "relay/retry_policy.hpp"

#include <algorithm>

namespace relay {
namespace {

constexpr milliseconds kFirst{1000};  // Relay's own first pause and growth
constexpr milliseconds kLongest{60000};
constexpr unsigned kRepeatsAtOnce = 2;
constexpr milliseconds kRemembered = std::chrono::minutes{58};  // upstream's hour, with a margin

}  // namespace

milliseconds back_off(unsigned failures, std::uint64_t random) {
  auto pause = kFirst.count();
  for (unsigned failure = 1; failure < failures && pause < kLongest.count(); ++failure) {
    pause += pause / 2;
  }
  pause = std::min(pause, kLongest.count());
  const auto half = static_cast<std::uint64_t>(pause / 2);
  return milliseconds{pause - static_cast<milliseconds::rep>(random % (half + 1))};
}

unsigned writes_left(const WrittenFacts& written) {
  using proto::Deduplicated;
  const bool remembered = written.since_first < kRemembered;
  unsigned repeats = 1;
  if (written.deduplicated != Deduplicated::none) repeats = 2;
  if (written.deduplicated == Deduplicated::all && remembered) repeats = 64;
  return repeats + 1 - std::min(written.times, repeats + 1);
}

milliseconds repeat_pause(unsigned full_writes, std::uint64_t random) {
  return full_writes <= kRepeatsAtOnce ? milliseconds{0}
                                       : back_off(full_writes - kRepeatsAtOnce, random);
}

}  // namespace relay
