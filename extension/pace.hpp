// When to ask for the next event. As long as next has not been asked no freeze can come, and until
// it is asked the environment is billed and cannot take another invoke (AWS docs, "Understanding
// the Lambda execution environment lifecycle"; checked 2026-11). Pure: state in, decision out.
// lifecycle.cpp carries it out.
#pragma once

#include <optional>
#include <string_view>

#include "extension/holds.hpp"
#include "extension/rhythm.hpp"
#include "relay/clock.hpp"
#include "relay/relay.hpp"

namespace extension {

/// What the user wants.
enum class Pace { prompt, overlap, adaptive, continuous };

/// As THAW_PACE writes it.
[[nodiscard]] std::string_view to_string(Pace pace);

struct PaceSettings {
  Pace pace = Pace::adaptive;
  relay::milliseconds budget{
      1000};                      ///< longest hold: from the end of the function to asking for next
  relay::milliseconds quiet{20};  ///< without telemetry: silence that means the function has ended
  relay::milliseconds probe{500};  ///< longest hold where only hosts that do not answer are asked
  relay::milliseconds soon{2000};  ///< mean gap between invokes up to which the next one is soon
};

/// What that means for one invoke.
enum class Mode {
  prompt,      ///< deliver what this invoke brings before asking for next
  overlap,     ///< deliver what earlier ones brought, beside this one; its own beside the next
  continuous,  ///< hold nothing
};

/// `adaptive`: a next invoke that comes soon can take this one's data along; a quiet function is
/// not worth waiting for; else nobody knows when the data could leave later.
[[nodiscard]] Mode mode_of(const PaceSettings& settings, const Rhythm& rhythm);

/// How much is left between the last moment to ask for next and the function's timeout, behind
/// which the environment is reset.
inline constexpr relay::milliseconds kDeadlineMargin{200};

/// The platform tells of an invoke's start within the 25 ms that it may buffer. An invoke of which
/// it has told nothing for this long is one without telemetry.
inline constexpr relay::milliseconds kStartLimit{500};

/// One invoke, as far as it is known now.
struct InvokeState {
  Mode mode = Mode::prompt;
  relay::SteadyTime begun;                               ///< INVOKE came
  std::optional<relay::SteadyTime> deadline;             ///< see invoke_deadline()
  bool telemetry = false;                                ///< a runtimeDone may be hoped for
  bool started = false;                                  ///< platform.start came, for this invoke
  std::optional<relay::SteadyTime> runtime_done;         ///< the end that platform.runtimeDone told
  bool failed = false;                                   ///< and that is a failure
  std::optional<relay::SteadyTime> last_local_activity;  ///< of this invoke
  relay::Work work;
};

struct Decision {
  enum class Action { wait, ask_next } action;
  HeldFor waits_for;
  relay::SteadyTime until;   ///< of a wait: decide again then, or as soon as the state has changed
  relay::SteadyTime closes;  ///< when work is waited for no longer, for all that is known now
};

/// Whether to ask for next now. A wait always has an end, whatever never happens:
/// - overlap: as soon as what waited at INVOKE is delivered and nothing is in flight or half read,
///   whatever the function does;
/// - known end of the function: hold for work, at most `budget` (a second where it failed), never
///   past deadline − kDeadlineMargin;
/// - telemetry, and the function still runs: until deadline − kDeadlineMargin;
/// - no telemetry: the function has ended `quiet` after its last local byte, which further ones put
///   off; one that has shown none yet is not waited for;
/// - no believable deadline: a function that shows no sign of life for `budget` is taken as ended,
///   and its hold as spent.
[[nodiscard]] Decision decide(const PaceSettings& settings, const InvokeState& invoke,
                              relay::SteadyTime now);

/// The end of the function was waited for, and nothing has told of it.
[[nodiscard]] bool missed_end(const InvokeState& invoke);

/// An INVOKE's deadline counts if it lies 0 to 900 s ahead, the longest timeout of a function; up
/// to a second more, which is the platform's clock before ours, counts as that.
[[nodiscard]] std::optional<relay::SteadyTime> invoke_deadline(
    std::optional<relay::WallTime> deadline, relay::WallTime wall_now, relay::SteadyTime now);

/// A SHUTDOWN's counts if it lies 0 to 2 s ahead, the longest shutdown phase; else it is now + 2 s.
[[nodiscard]] relay::SteadyTime shutdown_deadline(std::optional<relay::WallTime> deadline,
                                                  relay::WallTime wall_now, relay::SteadyTime now);

}  // namespace extension
