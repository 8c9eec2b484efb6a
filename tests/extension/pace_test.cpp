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

enum class Telemetry {
  none,     // refused, silent, or off
  hoped,    // subscribed, and nothing heard of this invoke yet
  started,  // platform.start of this invoke came
};
constexpr auto kNo = Telemetry::none;
constexpr auto kHoped = Telemetry::hoped;
constexpr auto kYes = Telemetry::started;
constexpr auto kNothing = HeldFor::nothing;  // ask for next now
constexpr auto kEnd = HeldFor::telemetry;
constexpr auto kDelivery = HeldFor::delivery;
constexpr auto kProbing = HeldFor::probe;

struct Row {
  std::string_view situation;
  Telemetry telemetry;
  At deadline, runtime_done, last_byte;
  relay::Work work;
  int now;
  At wait_until;  // nullopt: ask for next now
  HeldFor waits_for;
};

// Budget 1000, probe 500, quiet 20; a deadline at 3000 leaves 2800 as the last moment.
const Row kPrompt[] = {
    {"the function runs", kYes, 3000, kNone, kNone, kIdle, 5, 2800, kEnd},
    {"it runs and data waits: no hold yet", kYes, 3000, kNone, 5, kDue, 1500, 2800, kEnd},
    {"it runs and has been silent: that means nothing", kYes, 3000, kNone, 5, kIdle, 2000, 2800,
     kEnd},
    {"it runs up to the margin", kYes, 3000, kNone, kNone, kIdle, 2799, 2800, kEnd},
    {"it runs into the margin", kYes, 3000, kNone, kNone, kIdle, 2800, kNone, kNothing},
    {"it has ended, nothing waits", kYes, 3000, 40, 30, kIdle, 40, kNone, kNothing},
    {"it has ended, an envelope is due", kYes, 3000, 40, 30, kDue, 40, 1040, kDelivery},
    {"it has ended, a request is in flight", kYes, 3000, 40, 30, kInFlight, 40, 1040, kDelivery},
    {"it has ended, a local request is half read", kYes, 3000, 40, 30, kHalfRead, 40, 1040,
     kDelivery},
    {"the budget has one millisecond left", kYes, 3000, 40, 30, kDue, 1039, 1040, kDelivery},
    {"the budget is spent", kYes, 3000, 40, 30, kDue, 1040, kNone, kNothing},
    {"the end is told late: the budget began at the end", kYes, 3000, 40, 30, kDue, 1100, kNone,
     kNothing},
    {"nothing but a probe", kYes, 3000, 40, 30, kProbe, 40, 540, kProbing},
    {"a probe, one millisecond left", kYes, 3000, 40, 30, kProbe, 539, 540, kProbing},
    {"a probe, its time is over", kYes, 3000, 40, 30, kProbe, 540, kNone, kNothing},
    {"a probe beside other work: the budget", kYes, 3000, 40, 30, kProbeAndDue, 540, 1040,
     kDelivery},
    {"the hold ends before the margin", kYes, 3000, 2500, 30, kDue, 2500, 2800, kDelivery},
    {"it has ended inside the margin", kYes, 3000, 2900, 30, kDue, 2900, kNone, kNothing},
    {"a timeout below the margin", kYes, 100, kNone, kNone, kDue, 1, kNone, kNothing},

    {"nothing told of this invoke yet", kHoped, 3000, kNone, kNone, kIdle, 0, 500, kEnd},
    {"nothing told for half a second", kHoped, 3000, kNone, kNone, kIdle, 499, 500, kEnd},
    {"nothing told in time: as without telemetry", kHoped, 3000, kNone, kNone, kIdle, 500, kNone,
     kNothing},
    {"nothing told in time, but a byte", kHoped, 3000, kNone, 490, kIdle, 500, 510, kEnd},
    {"nothing told, and the timeout is nearer", kHoped, 600, kNone, kNone, kIdle, 0, 400, kEnd},

    {"no telemetry, no byte yet", kNo, 3000, kNone, kNone, kIdle, 0, kNone, kNothing},
    {"no telemetry, no byte, but data of before", kNo, 3000, kNone, kNone, kDue, 0, 1000,
     kDelivery},
    {"no telemetry, a byte", kNo, 3000, kNone, 7, kIdle, 10, 27, kEnd},
    {"no telemetry, nearly quiet", kNo, 3000, kNone, 7, kIdle, 26, 27, kEnd},
    {"no telemetry, quiet", kNo, 3000, kNone, 7, kIdle, 27, kNone, kNothing},
    {"no telemetry, quiet, data", kNo, 3000, kNone, 7, kInFlight, 27, 1027, kDelivery},
    {"no telemetry, quiet, budget spent", kNo, 3000, kNone, 7, kInFlight, 1027, kNone, kNothing},
    {"no telemetry, a byte just before the margin", kNo, 3000, kNone, 2790, kIdle, 2791, 2800,
     kEnd},
    {"a runtimeDone counts even when none was hoped for", kNo, 3000, 8, 7, kIdle, 8, kNone,
     kNothing},

    {"no deadline: taken as ended after the budget", kYes, kNone, kNone, kNone, kIdle, 0, 1000,
     kEnd},
    {"no deadline: a byte is a sign of life", kYes, kNone, kNone, 600, kDue, 700, 1600, kEnd},
    {"no deadline: no sign of life", kYes, kNone, kNone, kNone, kDue, 1000, kNone, kNothing},
    {"no deadline, ended: the budget", kYes, kNone, 40, 30, kDue, 40, 1040, kDelivery},
};

// Work is what waited at INVOKE; what the invoke itself brings is not due (relay::Gate::carried).
const Row kOverlap[] = {
    {"nothing waited", kHoped, 3000, kNone, kNone, kIdle, 0, kNone, kNothing},
    {"the rest is delivered, the function runs on", kYes, 3000, kNone, 5, kIdle, 80, kNone,
     kNothing},
    {"something waited, the function runs: no hold yet", kYes, 3000, kNone, 5, kDue, 1500, 2800,
     kDelivery},
    {"the same, nothing told of this invoke yet", kHoped, 3000, kNone, kNone, kDue, 0, 500,
     kDelivery},
    {"the function runs into the margin", kYes, 3000, kNone, 5, kInFlight, 2800, kNone, kNothing},
    {"it has ended, something is left", kYes, 3000, 40, 30, kInFlight, 40, 1040, kDelivery},
    {"it has ended, a local request is half read", kYes, 3000, 40, 30, kHalfRead, 40, 1040,
     kDelivery},
    {"it has ended, the budget is spent", kYes, 3000, 40, 30, kDue, 1040, kNone, kNothing},
    {"a probe", kYes, 3000, 40, 30, kProbe, 40, 540, kProbing},
    {"a probe, its time is over", kYes, 3000, 40, 30, kProbe, 540, kNone, kNothing},
    {"no telemetry, no byte: the budget", kNo, 3000, kNone, kNone, kDue, 0, 1000, kDelivery},
    {"no telemetry, a byte", kNo, 3000, kNone, 7, kDue, 10, 27, kDelivery},
    {"no telemetry, a byte, nothing is left", kNo, 3000, kNone, 7, kIdle, 10, kNone, kNothing},
    {"no telemetry, quiet", kNo, 3000, kNone, 7, kDue, 27, 1027, kDelivery},
    {"no deadline, no sign of life", kYes, kNone, kNone, kNone, kDue, 999, 1000, kDelivery},
};

InvokeState state_of(const Row& row, Mode mode) {
  InvokeState state;
  state.mode = mode;
  state.begun = kInvoke;
  state.deadline = at(row.deadline);
  state.telemetry = row.telemetry != Telemetry::none;
  state.started = row.telemetry == Telemetry::started;
  state.runtime_done = at(row.runtime_done);
  state.last_local_activity = at(row.last_byte);
  state.work = row.work;
  return state;
}

const PaceSettings kDefaults;

void check_row(const PaceSettings& settings, Mode mode, const Row& row) {
  CAPTURE(std::string(row.situation));
  const auto decision = decide(settings, state_of(row, mode), *at(row.now));
  CHECK((decision.action == Decision::Action::ask_next) == !row.wait_until);
  CHECK(decision.waits_for == row.waits_for);
  if (row.wait_until) CHECK((decision.until - kInvoke) / milliseconds{1} == *row.wait_until);
}

constexpr milliseconds kGap{100};

// So many invokes, `gap` apart, the last of which brings something urgent every `urgent_every`.
Rhythm rhythm_of(unsigned invokes, milliseconds gap, unsigned urgent_every = 0) {
  Rhythm rhythm;
  WallTime now{std::chrono::hours{400'000}};
  for (unsigned i = 1; i <= invokes; ++i, now += gap) {
    rhythm.invoked(now, urgent_every != 0 && i % urgent_every == 0);
  }
  return rhythm;
}

}  // namespace

TEST_SUITE_BEGIN("extension/pace");

TEST_CASE("prompt asks when the function has ended and nothing waits, or the budget is spent") {
  for (const Row& row : kPrompt) check_row(kDefaults, Mode::prompt, row);
}

TEST_CASE("overlap asks when what waited at INVOKE is delivered, or the budget is spent") {
  for (const Row& row : kOverlap) check_row(kDefaults, Mode::overlap, row);
}

TEST_CASE("continuous never holds") {
  for (const Row& row : kPrompt) {
    CHECK(decide(kDefaults, state_of(row, Mode::continuous), *at(row.now)).action ==
          Decision::Action::ask_next);
  }
}

TEST_CASE("adaptive overlaps when the next invoke is soon, else when the function is quiet") {
  PaceSettings settings;
  CHECK(settings.pace == Pace::adaptive);
  const milliseconds rare{60'000};

  CHECK(mode_of(settings, rhythm_of(0, kGap)) == Mode::prompt);
  CHECK(mode_of(settings, rhythm_of(7, kGap, 1)) == Mode::prompt);
  CHECK(mode_of(settings, rhythm_of(8, kGap, 1)) == Mode::overlap);  // soon, whatever it brings
  CHECK(mode_of(settings, rhythm_of(8, rare)) == Mode::prompt);
  CHECK(mode_of(settings, rhythm_of(32, rare)) == Mode::prompt);
  CHECK(mode_of(settings, rhythm_of(33, rare)) == Mode::overlap);  // 32 were seen to their end
  CHECK(mode_of(settings, rhythm_of(500, rare, 10)) == Mode::prompt);

  settings.soon = milliseconds{99};
  CHECK(mode_of(settings, rhythm_of(8, kGap, 1)) == Mode::prompt);
}

TEST_CASE("the other paces are what they say, whatever the rhythm") {
  for (const auto& rhythm : {rhythm_of(0, kGap), rhythm_of(100, kGap)}) {
    CHECK(mode_of({.pace = Pace::prompt}, rhythm) == Mode::prompt);
    CHECK(mode_of({.pace = Pace::overlap}, rhythm) == Mode::overlap);
    CHECK(mode_of({.pace = Pace::continuous}, rhythm) == Mode::continuous);
  }
}

TEST_CASE("an end that was waited for and not told is missed; one nobody waited for is not") {
  const auto missed = [](Mode mode, Telemetry telemetry, At runtime_done, relay::Work work) {
    return missed_end(
        state_of({"", telemetry, 3000, runtime_done, kNone, work, 0, kNone, kNothing}, mode));
  };
  CHECK(missed(Mode::prompt, kYes, kNone, kIdle));
  CHECK(missed(Mode::prompt, kHoped, kNone, kIdle));
  CHECK_FALSE(missed(Mode::prompt, kYes, 40, kIdle));
  CHECK_FALSE(missed(Mode::prompt, kNo, kNone, kIdle));
  CHECK(missed(Mode::overlap, kYes, kNone, kDue));
  CHECK_FALSE(missed(Mode::overlap, kYes, kNone, kIdle));
  CHECK_FALSE(missed(Mode::continuous, kYes, kNone, kDue));
}

TEST_CASE(
    "the gate closes when a hold would end, not when the function's end is looked for again") {
  struct Until {
    Row row;
    int closes;
  };

  for (const Until& one : {
           Until{{"it runs", kYes, 3000, kNone, 5, kDue, 10, 2800, kEnd}, 2800},
           Until{{"it has ended", kYes, 3000, 40, 30, kDue, 40, 1040, kDelivery}, 1040},
           Until{{"nothing told", kHoped, 3000, kNone, kNone, kDue, 0, 500, kEnd}, 1000},
           Until{{"nothing told, a byte", kHoped, 3000, kNone, 300, kDue, 300, 500, kEnd}, 1320},
           Until{{"no telemetry, a byte", kNo, 3000, kNone, 7, kDue, 10, 27, kEnd}, 1027},
           Until{{"a byte near the margin", kNo, 3000, kNone, 2700, kDue, 2701, 2720, kEnd}, 2800},
       }) {
    check_row(kDefaults, Mode::prompt, one.row);
    const auto decision = decide(kDefaults, state_of(one.row, Mode::prompt), *at(one.row.now));
    CHECK((decision.closes - kInvoke) / milliseconds{1} == one.closes);
  }
  const Row row{"a small budget", kHoped, 3000, kNone, kNone, kDue, 0, 500, kEnd};
  CHECK(decide({.budget = milliseconds{100}}, state_of(row, Mode::prompt), *at(0)).closes ==
        *at(500));
}

TEST_CASE("a probe is never held for longer than the budget") {
  const Row row{"", kYes, 3000, 40, 30, kProbe, 40, kNone, kNothing};
  CHECK(decide({.budget = milliseconds{100}}, state_of(row, Mode::prompt), *at(40)).until ==
        *at(140));
}

TEST_CASE("behind a failure half of the time for SHUTDOWN is left, however long the budget") {
  PaceSettings settings{.budget = milliseconds{5000}};
  InvokeState state = state_of({"", kYes, 9000, 40, 30, kDue, 40, kNone, kNothing}, Mode::prompt);
  CHECK(decide(settings, state, *at(40)).until == *at(5040));
  state.failed = true;
  CHECK(decide(settings, state, *at(40)).until == *at(1040));
  CHECK(decide(settings, state, *at(1040)).action == Decision::Action::ask_next);
  settings.budget = milliseconds{999};
  CHECK(decide(settings, state, *at(40)).until == *at(1039));
}

TEST_CASE("a budget of nothing never holds, but waits for the end of the function") {
  const PaceSettings settings{.budget = milliseconds{0}};
  check_row(settings, Mode::prompt, {"runs", kYes, 3000, kNone, kNone, kDue, 5, 2800, kEnd});
  check_row(settings, Mode::prompt, {"ended", kYes, 3000, 5, kNone, kDue, 5, kNone, kNothing});
}

TEST_CASE("an INVOKE's deadline counts from 0 to 900 s ahead, and for a second more as that") {
  const WallTime wall{std::chrono::hours{400'000}};
  const auto ahead = [&](std::chrono::milliseconds by) {
    return invoke_deadline(wall + by, wall, kInvoke);
  };
  CHECK_FALSE(ahead(milliseconds{-1}));
  CHECK(*ahead(milliseconds{0}) == kInvoke);
  CHECK(*ahead(milliseconds{3000}) == kInvoke + milliseconds{3000});
  CHECK(*ahead(milliseconds{900'000}) == kInvoke + milliseconds{900'000});
  CHECK(ahead(milliseconds{900'001}) == kInvoke + milliseconds{900'000});
  CHECK(ahead(milliseconds{901'000}) == kInvoke + milliseconds{900'000});
  CHECK_FALSE(ahead(milliseconds{901'001}));
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
