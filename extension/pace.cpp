#include "extension/pace.hpp"

#include <algorithm>

namespace extension {
namespace {

using relay::milliseconds;
using relay::SteadyTime;
using relay::WallTime;

constexpr milliseconds kLongestTimeout{900'000};
constexpr milliseconds kLongestShutdown{2'000};
// Two clocks need not agree, and the longest timeout is a usual one.
constexpr milliseconds kSkew{1'000};
// The environment of a function that failed is reset: its SHUTDOWN is under way, and who has not
// asked for it by its deadline is killed without.
constexpr milliseconds kLongestHoldOfFailed = kLongestShutdown / 2;

Decision ask_next(SteadyTime now) {
  return {Decision::Action::ask_next, HeldFor::nothing, now, now};
}

Decision wait_until(SteadyTime until, HeldFor what, SteadyTime now, SteadyTime closes) {
  return until > now ? Decision{Decision::Action::wait, what, until, closes} : ask_next(now);
}

SteadyTime last_call(const InvokeState& invoke) {
  return invoke.deadline.value_or(invoke.begun + kLongestTimeout) - kDeadlineMargin;
}

// When a function of which nothing is told is taken to have ended; this may be ahead.
SteadyTime guessed_end(const PaceSettings& settings, const InvokeState& invoke) {
  if (invoke.last_local_activity) return *invoke.last_local_activity + settings.quiet;
  return invoke.begun;
}

// When the function ended or, without telemetry, is taken to have ended; nullopt while it runs for
// all we know.
std::optional<SteadyTime> end_of_function(const PaceSettings& settings, const InvokeState& invoke,
                                          SteadyTime now) {
  if (invoke.runtime_done) return invoke.runtime_done;
  const bool never_told = !invoke.started && now >= invoke.begun + kStartLimit;
  if (invoke.telemetry && !never_told) return std::nullopt;
  return guessed_end(settings, invoke);
}

// The latest moment at which a function of which nothing is heard counts as running.
SteadyTime latest_end(const PaceSettings& settings, const InvokeState& invoke) {
  if (invoke.telemetry && !invoke.started) {
    return std::min(invoke.begun + kStartLimit, last_call(invoke));
  }
  if (invoke.deadline) return last_call(invoke);
  return std::max(invoke.begun, invoke.last_local_activity.value_or(invoke.begun)) +
         settings.budget;
}

std::optional<milliseconds> ahead(std::optional<WallTime> deadline, WallTime wall_now,
                                  milliseconds at_most) {
  if (!deadline || *deadline < wall_now || *deadline > wall_now + at_most + kSkew) {
    return std::nullopt;
  }
  return std::min(std::chrono::duration_cast<milliseconds>(*deadline - wall_now), at_most);
}

}  // namespace

std::string_view to_string(Pace pace) {
  switch (pace) {
    case Pace::prompt:
      return "prompt";
    case Pace::overlap:
      return "overlap";
    case Pace::adaptive:
      return "adaptive";
    case Pace::continuous:
      return "continuous";
  }
  return "";
}

Mode mode_of(const PaceSettings& settings, const Rhythm& rhythm) {
  switch (settings.pace) {
    case Pace::prompt:
      return Mode::prompt;
    case Pace::overlap:
      return Mode::overlap;
    case Pace::continuous:
      return Mode::continuous;
    case Pace::adaptive:
      break;
  }
  return rhythm.soon(settings.soon) || rhythm.quiet() ? Mode::overlap : Mode::prompt;
}

Decision decide(const PaceSettings& settings, const InvokeState& invoke, SteadyTime now) {
  if (invoke.mode == Mode::continuous) return ask_next(now);
  const bool idle = invoke.work.none();
  if (invoke.mode == Mode::overlap && idle) return ask_next(now);
  const HeldFor work = invoke.work.at_most_probes() ? HeldFor::probe : HeldFor::delivery;
  // Who overlaps waits for the work alone, and the function's end is but a limit.
  const HeldFor end_or_work = invoke.mode == Mode::overlap ? work : HeldFor::telemetry;

  const auto hold_from = [&](SteadyTime end, milliseconds budget) {
    return std::min(end + budget, last_call(invoke));
  };
  const auto end = end_of_function(settings, invoke, now);
  // The hold for what is here, or comes before the end, begins only then.
  if (!end || now < *end) {
    const auto until = end ? hold_from(*end, milliseconds{0}) : latest_end(settings, invoke);
    const auto guessed = hold_from(guessed_end(settings, invoke), settings.budget);
    return wait_until(until, end_or_work, now, std::max(until, guessed));
  }
  if (idle) return ask_next(now);
  auto budget = settings.budget;
  if (work == HeldFor::probe) budget = std::min(budget, settings.probe);
  if (invoke.failed) budget = std::min(budget, kLongestHoldOfFailed);
  const auto until = hold_from(*end, budget);
  return wait_until(until, work, now, until);
}

bool missed_end(const InvokeState& invoke) {
  const bool waited =
      invoke.mode == Mode::prompt || (invoke.mode == Mode::overlap && !invoke.work.none());
  return waited && invoke.telemetry && !invoke.runtime_done;
}

std::optional<SteadyTime> invoke_deadline(std::optional<WallTime> deadline, WallTime wall_now,
                                          SteadyTime now) {
  const auto left = ahead(deadline, wall_now, kLongestTimeout);
  if (!left) return std::nullopt;
  return now + *left;
}

SteadyTime shutdown_deadline(std::optional<WallTime> deadline, WallTime wall_now, SteadyTime now) {
  return now + ahead(deadline, wall_now, kLongestShutdown).value_or(kLongestShutdown);
}

}  // namespace extension
