// Whether one waiting envelope may be sent now. Pure: the whole of promise P2 on the sending side.
#pragma once

#include "relay/relay.hpp"

namespace relay {

/// Awake time is counted in slices no longer than this: a timer that fires late because of a freeze
/// adds one slice, not the freeze.
inline constexpr milliseconds kAwakeSlice{50};

struct WaitingFacts {
  milliseconds back_off_left{0};
  /// Time the process has certainly run since the envelope was accepted and the gate was late.
  milliseconds awake{0};
  unsigned full_writes = 0;  ///< times it was sent completely and got no answer
  bool deduplicated_upstream = false;
  bool carried = false;  ///< it waited already when the gate was set to carried
};

/// What may leave although a freeze may come.
struct LateRule {
  milliseconds awake{250};  ///< what has been awake with us for so long
  bool soon = false;        ///< the gate opens again soon: nothing else
};

/// Never while it backs off or the gate is closed. early, open, draining: whenever else. carried:
/// what is. late, and carried for the rest: only what was never fully written and either is
/// de-duplicated upstream (a cut costs nothing there), unless it may leave safely soon, or has been
/// awake with us for long: a process that still runs is in a sandbox that is not frozen.
[[nodiscard]] bool may_leave(const WaitingFacts& envelope, Gate gate, const LateRule& late);

}  // namespace relay
