#include "extension/pace.hpp"

#include <ostream>
#include <string>

#include <doctest/doctest.h>

namespace {

using namespace extension;
using relay::milliseconds;
using relay::SteadyTime;
using relay::WallTime;

using At = std::optional<int>;  // milliseconds since INVOKE

constexpr At kNone = std::nullopt;
const SteadyTime kInvoke = SteadyTime{} + std::chrono::hours{1};
constexpr relay::Work kIdle{};
constexpr relay::Work kHalfRead{1, 0, 0};
constexpr relay::Work kDue{0, 1, 0};
constexpr relay::Work kInFlight{0, 0, 1};
constexpr relay::Work kProbe{0, 0, 0, 1};
constexpr relay::Work kProbeAndDue{0, 1, 0, 1};

std::optional<SteadyTime> at(At ms) {
  if (!ms) return std::nullopt;
  return kInvoke + milliseconds{*ms};
}

struct Row {
  std::string_view situation;
  bool telemetry;
  At deadline, runtime_done, last_byte;
  relay::Work work;
  int now;
  At wait_until;  // nullopt: ask for next now
};

// Budget 1000, probe 500, quiet 20; a deadline at 3000 leaves 2800 as the last moment.
const Row kPrompt[] = {
    {"the function runs", true, 3000, kNone, kNone, kIdle, 5, 2800},
    {"it runs and data waits: no hold yet", true, 3000, kNone, 5, kDue, 1500, 2800},
    {"it runs and has been silent: that means nothing", true, 3000, kNone, 5, kIdle, 2000, 2800},
    {"it runs up to the margin", true, 3000, kNone, kNone, kIdle, 2799, 2800},
    {"it runs into the margin", true, 3000, kNone, kNone, kIdle, 2800, kNone},
    {"it has ended, nothing waits", true, 3000, 40, 30, kIdle, 40, kNone},
    {"it has ended, an envelope is due", true, 3000, 40, 30, kDue, 40, 1040},
    {"it has ended, a request is in flight", true, 3000, 40, 30, kInFlight, 40, 1040},
    {"it has ended, a local request is half read", true, 3000, 40, 30, kHalfRead, 40, 1040},
    {"the budget has one millisecond left", true, 3000, 40, 30, kDue, 1039, 1040},
    {"the budget is spent", true, 3000, 40, 30, kDue, 1040, kNone},
    {"nothing but a probe", true, 3000, 40, 30, kProbe, 40, 540},
    {"nothing but a probe, its time has one millisecond left", true, 3000, 40, 30, kProbe, 539,
     540},
    {"nothing but a probe, its time is over", true, 3000, 40, 30, kProbe, 540, kNone},
    {"a probe beside other work: the budget", true, 3000, 40, 30, kProbeAndDue, 540, 1040},
    {"the hold ends before the margin", true, 3000, 2500, 30, kDue, 2500, 2800},
    {"it has ended inside the margin", true, 3000, 2900, 30, kDue, 2900, kNone},
    {"a timeout below the margin", true, 100, kNone, kNone, kDue, 1, kNone},

    {"no telemetry, no byte yet", false, 3000, kNone, kNone, kIdle, 0, kNone},
    {"no telemetry, no byte, but data of before", false, 3000, kNone, kNone, kDue, 0, 1000},
    {"no telemetry, a byte", false, 3000, kNone, 7, kIdle, 10, 27},
    {"no telemetry, nearly quiet", false, 3000, kNone, 7, kIdle, 26, 27},
    {"no telemetry, quiet", false, 3000, kNone, 7, kIdle, 27, kNone},
    {"no telemetry, quiet, data", false, 3000, kNone, 7, kInFlight, 27, 1027},
    {"no telemetry, quiet, budget spent", false, 3000, kNone, 7, kInFlight, 1027, kNone},
    {"no telemetry, a byte just before the margin", false, 3000, kNone, 2790, kIdle, 2791, 2800},
    {"a runtimeDone counts even when none was hoped for", false, 3000, 8, 7, kIdle, 8, kNone},

    {"no deadline: taken as ended after the budget", true, kNone, kNone, kNone, kIdle, 0, 1000},
    {"no deadline: a byte is a sign of life", true, kNone, kNone, 600, kDue, 700, 1600},
    {"no deadline: no sign of life", true, kNone, kNone, kNone, kDue, 1000, kNone},
    {"no deadline, ended: the budget", true, kNone, 40, 30, kDue, 40, 1040},
};

InvokeState state_of(const Row& row) {
  return {kInvoke,           at(row.deadline), row.telemetry, at(row.runtime_done),
          at(row.last_byte), row.work};
}

void check_table(Pace pace) {
  const PaceSettings settings{pace, milliseconds{1000}, milliseconds{20}, milliseconds{500}};
  for (const Row& row : kPrompt) {
    CAPTURE(std::string(row.situation));
    const auto now = *at(row.now);
    const auto decision = decide(settings, state_of(row), now);
    if (row.wait_until) {
      CHECK(decision.action == Decision::Action::wait);
      CHECK((decision.until - kInvoke) / milliseconds{1} == *row.wait_until);
    } else {
      CHECK(decision.action == Decision::Action::ask_next);
    }
  }
}

}  // namespace

TEST_SUITE_BEGIN("extension/pace");

TEST_CASE("prompt asks when the function has ended and nothing waits, or the budget is spent") {
  check_table(Pace::prompt);
}

TEST_CASE("overlap and adaptive act as prompt") {
  check_table(Pace::overlap);
  check_table(Pace::adaptive);
}

TEST_CASE("continuous never holds") {
  const PaceSettings settings{Pace::continuous, milliseconds{1000}, milliseconds{20}};
  for (const Row& row : kPrompt) {
    CHECK(decide(settings, state_of(row), *at(row.now)).action == Decision::Action::ask_next);
  }
}

TEST_CASE("a probe is never held for longer than the budget") {
  const PaceSettings settings{Pace::prompt, milliseconds{100}, milliseconds{20}, milliseconds{500}};
  const Row row{"", true, 3000, 40, 30, kProbe, 40, kNone};
  CHECK(decide(settings, state_of(row), *at(40)).until == *at(140));
}

TEST_CASE("a budget of nothing never holds, but waits for the end of the function") {
  const PaceSettings settings{Pace::prompt, milliseconds{0}, milliseconds{20}};
  const Row runs{"", true, 3000, kNone, kNone, kDue, 5, kNone};
  const Row ended{"", true, 3000, 5, kNone, kDue, 5, kNone};
  CHECK(decide(settings, state_of(runs), *at(5)).action == Decision::Action::wait);
  CHECK(decide(settings, state_of(ended), *at(5)).action == Decision::Action::ask_next);
}

TEST_CASE("an INVOKE's deadline counts from 0 to 900 s ahead") {
  const WallTime wall{std::chrono::hours{400'000}};
  const auto ahead = [&](std::chrono::milliseconds by) {
    return invoke_deadline(wall + by, wall, kInvoke);
  };
  CHECK_FALSE(ahead(milliseconds{-1}));
  CHECK(*ahead(milliseconds{0}) == kInvoke);
  CHECK(*ahead(milliseconds{3000}) == kInvoke + milliseconds{3000});
  CHECK(*ahead(milliseconds{900'000}) == kInvoke + milliseconds{900'000});
  CHECK_FALSE(ahead(milliseconds{900'001}));
  CHECK_FALSE(invoke_deadline(std::nullopt, wall, kInvoke));
}

TEST_CASE("a SHUTDOWN's deadline counts from 0 to 2 s ahead, else it is 2 s ahead") {
  const WallTime wall{std::chrono::hours{400'000}};
  const auto ahead = [&](std::chrono::milliseconds by) {
    return shutdown_deadline(wall + by, wall, kInvoke) - kInvoke;
  };
  CHECK(ahead(milliseconds{-1}) == milliseconds{2000});
  CHECK(ahead(milliseconds{0}) == milliseconds{0});
  CHECK(ahead(milliseconds{1394}) == milliseconds{1394});
  CHECK(ahead(milliseconds{2000}) == milliseconds{2000});
  CHECK(ahead(milliseconds{2001}) == milliseconds{2000});
  CHECK(shutdown_deadline(std::nullopt, wall, kInvoke) == kInvoke + milliseconds{2000});
}

TEST_SUITE_END();
