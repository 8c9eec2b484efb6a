#include "extension/pace.hpp"

#include <algorithm>

namespace extension {
namespace {

using relay::milliseconds;
using relay::SteadyTime;
using relay::WallTime;

constexpr milliseconds kLongestTimeout{900'000};
constexpr milliseconds kLongestShutdown{2'000};

constexpr SteadyTime kNever = SteadyTime::max();

Decision ask_next(SteadyTime now) { return {Decision::Action::ask_next, now}; }

Decision wait_until(SteadyTime until, SteadyTime now) {
  return until > now ? Decision{Decision::Action::wait, until} : ask_next(now);
}

SteadyTime last_call(const InvokeState& invoke) {
  return invoke.deadline ? *invoke.deadline - kDeadlineMargin : kNever;
}

// When the function ended or, without telemetry, is taken to have ended, which may be ahead;
// nullopt while it runs for all we know.
std::optional<SteadyTime> end_of_function(const PaceSettings& settings, const InvokeState& invoke) {
  if (invoke.runtime_done) return invoke.runtime_done;
  if (invoke.telemetry) return std::nullopt;
  if (invoke.last_local_activity) return *invoke.last_local_activity + settings.quiet;
  return invoke.begun;
}

Decision decide_prompt(const PaceSettings& settings, const InvokeState& invoke, SteadyTime now) {
  const auto end = end_of_function(settings, invoke);
  if (!end) {
    if (invoke.deadline) return wait_until(last_call(invoke), now);
    const auto sign_of_life =
        std::max(invoke.begun, invoke.last_local_activity.value_or(invoke.begun));
    return wait_until(sign_of_life + settings.budget, now);
  }
  if (now < *end) return wait_until(std::min(*end, last_call(invoke)), now);
  if (invoke.work.none()) return ask_next(now);
  const auto budget =
      invoke.work.at_most_probes() ? std::min(settings.budget, settings.probe) : settings.budget;
  return wait_until(std::min(*end + budget, last_call(invoke)), now);
}

std::optional<milliseconds> ahead(std::optional<WallTime> deadline, WallTime wall_now,
                                  milliseconds at_most) {
  if (!deadline || *deadline < wall_now || *deadline > wall_now + at_most) return std::nullopt;
  return std::chrono::duration_cast<milliseconds>(*deadline - wall_now);
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

Decision decide(const PaceSettings& settings, const InvokeState& invoke, SteadyTime now) {
  switch (settings.pace) {
    case Pace::continuous:
      return ask_next(now);
    case Pace::prompt:
    case Pace::overlap:
    case Pace::adaptive:
      break;
  }
  return decide_prompt(settings, invoke, now);
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
