// When a failed envelope may be tried again, and how often. Pure.
#pragma once

#include <cstdint>

#include "relay/clock.hpp"

namespace relay {

/// The pause after the `failures`-th failure in a row (1, 2, …): 1 s, half as much again each time,
/// at most 60 s, the upper half of it jittered by `random` (64 random bits).
[[nodiscard]] milliseconds back_off(unsigned failures, std::uint64_t random);

/// How often an envelope may be sent again after it was fully written and never answered: it may
/// have been accepted. Upstream remembers the ids of events and transactions for an hour (Sentry:
/// src/sentry/ingest/consumer/processors.py), so to repeat those is harmless, and Relay does it
/// without end (getsentry/relay: relay-server/src/services/upstream.rs): 64 times, which with the
/// pauses takes about that hour. Some day it must end: it may be what brings the upstream down.
/// Everything else is sent again once: a repeat would count twice.
[[nodiscard]] unsigned resend_limit(bool deduplicated_upstream);

/// What a request that was cut after `full_writes` such writes waits before it goes again: the
/// first two repeats are for what a freeze did and go at once, each later one waits like a failure.
[[nodiscard]] milliseconds repeat_pause(unsigned full_writes, std::uint64_t random);

}  // namespace relay
