// When a failed envelope may be tried again, and how often. Pure.
#pragma once

#include <cstdint>

#include "relay/clock.hpp"

namespace relay {

/// The pause after the `failures`-th failure in a row (1, 2, …): 1 s, half as much again each time,
/// at most 60 s, the upper half of it jittered by `random` (64 random bits).
[[nodiscard]] milliseconds back_off(unsigned failures, std::uint64_t random);

/// How often an envelope may be sent again after it was fully written and never answered: it may
/// have been accepted. Upstream de-duplicates events and transactions, best effort, so those may go
/// twice.
[[nodiscard]] unsigned resend_limit(bool deduplicated_upstream);

}  // namespace relay
