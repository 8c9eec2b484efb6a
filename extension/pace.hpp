// When to ask for the next event. As long as next has not been asked no freeze can come, and until
// it is asked the environment is billed and cannot take another invoke (AWS docs, "Understanding
// the Lambda execution environment lifecycle"; checked 2026-11). Pure: state in, decision out.
// lifecycle.cpp carries it out.
#pragma once

#include <optional>
#include <string_view>

#include "relay/clock.hpp"
#include "relay/relay.hpp"

namespace extension {

enum class Pace { prompt, overlap, adaptive, continuous };

/// As THAW_PACE writes it.
[[nodiscard]] std::string_view to_string(Pace pace);

struct PaceSettings {
  Pace pace = Pace::adaptive;
  relay::milliseconds budget{
      1000};                      ///< longest hold: from the end of the function to asking for next
  relay::milliseconds quiet{20};  ///< without telemetry: silence that means the function has ended
  relay::milliseconds probe{500};  ///< longest hold where only hosts that do not answer are asked
};

/// How much is left between the last moment to ask for next and the function's timeout, behind
/// which the environment is reset.
inline constexpr relay::milliseconds kDeadlineMargin{200};

/// One invoke, as far as it is known now.
struct InvokeState {
  relay::SteadyTime begun;                               ///< INVOKE came
  std::optional<relay::SteadyTime> deadline;             ///< see invoke_deadline()
  bool telemetry = false;                                ///< a runtimeDone may be hoped for
  std::optional<relay::SteadyTime> runtime_done;         ///< it came, for this invoke
  std::optional<relay::SteadyTime> last_local_activity;  ///< of this invoke
  relay::Work work;
};

struct Decision {
  enum class Action { wait, ask_next } action;
  relay::SteadyTime until;  ///< of a wait: decide again then, or as soon as the state has changed
};

/// Whether to ask for next now. A wait always has an end, whatever never happens:
/// - known end of the function: hold for work, at most `budget`, never past deadline −
/// kDeadlineMargin;
/// - telemetry, and the function still runs: until deadline − kDeadlineMargin;
/// - no telemetry: the function has ended `quiet` after its last local byte; one that has shown
/// none yet
///   is not waited for;
/// - no believable deadline: a function that shows no sign of life for `budget` is taken as ended,
/// and its
///   hold as spent.
[[nodiscard]] Decision decide(const PaceSettings& settings, const InvokeState& invoke,
                              relay::SteadyTime now);

/// An INVOKE's deadline counts if it lies 0 to 900 s ahead, the longest timeout of a function.
[[nodiscard]] std::optional<relay::SteadyTime> invoke_deadline(
    std::optional<relay::WallTime> deadline, relay::WallTime wall_now, relay::SteadyTime now);

/// A SHUTDOWN's counts if it lies 0 to 2 s ahead, the longest shutdown phase; else it is now + 2 s.
[[nodiscard]] relay::SteadyTime shutdown_deadline(std::optional<relay::WallTime> deadline,
                                                  relay::WallTime wall_now, relay::SteadyTime now);

}  // namespace extension
