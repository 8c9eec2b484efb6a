// When a failed envelope may be tried again, and how often. Pure.
#pragma once

#include <cstdint>

#include "proto/envelope.hpp"
#include "relay/clock.hpp"

namespace relay {

/// The pause after the `failures`-th failure in a row (1, 2, …): 1 s, half as much again each time,
/// at most 60 s, the upper half of it jittered by `random` (64 random bits).
[[nodiscard]] milliseconds back_off(unsigned failures, std::uint64_t random);

/// What is known of an envelope that was written whole and never answered: it may have been
/// accepted.
struct WrittenFacts {
  proto::Deduplicated deduplicated = proto::Deduplicated::none;
  unsigned times = 0;
  milliseconds since_first{0};
};

/// How often it may still be written whole. Upstream remembers the ids of events and transactions
/// for an hour (Sentry: src/sentry/ingest/consumer/processors.py), in which to repeat those is
/// nearly harmless; Relay does it without end (getsentry/relay:
/// relay-server/src/services/upstream.rs). So for 58 minutes 64 repeats, about as many as the
/// pauses leave room for; some day it must end: it may be what brings the upstream down. Later, or
/// where something else is in it, two; everything else is repeated once, for a repeat counts twice.
[[nodiscard]] unsigned writes_left(const WrittenFacts& written);

/// What a request that was cut after `full_writes` such writes waits before it goes again: the
/// first two repeats are for what a freeze did and go at once, each later one waits like a failure.
[[nodiscard]] milliseconds repeat_pause(unsigned full_writes, std::uint64_t random);

}  // namespace relay
