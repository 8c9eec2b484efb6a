// What can become of an envelope, and what an upstream's answer makes of it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace relay {

/// Why Thaw dropped what it had accepted: Sentry's own discard reasons (Sentry develop docs,
/// "Client Reports"; checked 2026-11), and those that upstream has no word for.
enum class DropReason : std::uint8_t {
  queue_overflow,      ///< evicted for something more urgent
  ratelimit_backoff,   ///< upstream had said it does not want it
  network_error,       ///< no answer within every try that was allowed, or no time left
  send_error,          ///< upstream failed on it twice
  internal_sdk_error,  ///< our own mistake
  not_allowed,         ///< left by an earlier process for a DSN that the settings no longer allow
  snapshot,            ///< accepted before a snapshot, out of which it would leave once a copy
  disabled,            ///< Thaw is switched off
};
inline constexpr std::size_t kDropReasonCount = 8;
[[nodiscard]] std::string_view name(DropReason reason);
/// Whether upstream is told: not of what it may not be told.
[[nodiscard]] bool is_reported(DropReason reason);

/// Why a local request was never acknowledged.
enum class RejectReason : std::uint8_t {
  malformed,
  unauthorized,
  not_allowed,
  too_large,
  unknown_encoding,
  timeout,    ///< not received within THAW_READ_MS
  abandoned,  ///< the client went away in the middle
  full,
  closing,
};
inline constexpr std::size_t kRejectReasonCount = 9;
[[nodiscard]] std::string_view name(RejectReason reason);

/// What an HTTP status means for the envelope that met it.
enum class Outcome : std::uint8_t {
  delivered,
  refused,       ///< upstream does not want it: counted under the status, never sent again
  rate_limited,  ///< 429: what falls under the learnt limits is refused, the rest was taken
  recompress,    ///< 415 to zstd: the same once more with gzip
  retry,         ///< 502, 503, 504: later, as often as it takes
  retry_once,    ///< other 5xx: one more try, then send_error
};

/// `zstd`: the body was sent with Content-Encoding: zstd. Redirects are never followed: refused.
/// (getsentry/relay: relay-server/src/services/upstream.rs retries network errors and 502-504 only)
[[nodiscard]] Outcome outcome_of(unsigned status, bool zstd);

}  // namespace relay
