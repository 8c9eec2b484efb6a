// A failure of a function that its SDK could not report, because it was killed or never ran: what
// is known of it -> a Sentry event. Shape: Sentry develop docs, "Event Payloads"; what Relay keeps
// of it: getsentry/relay relay-event-schema/src/protocol and relay-event-normalization
// (checked 2026-11).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/timestamp.hpp"
#include "proto/trace_context.hpp"

namespace proto {

enum class FailureKind {
  timeout,
  out_of_memory,
  runtime_exit,        ///< the process ended, or was killed
  init_error,          ///< before the first invoke, or in the restore of a snapshot
  response_too_large,  ///< the function ended well, its answer was thrown away
  failure,             ///< anything else: the platform's own, another extension's
};

/// "Lambda.Timeout": the exception's type, the title of the issue.
[[nodiscard]] std::string_view exception_type(FailureKind kind);

/// What stays the same for all invokes of a sandbox. Whatever is empty is not known.
struct FunctionFacts {
  std::string name;
  std::string version;
  std::string region;
  std::string account_id;
  std::optional<std::uint64_t> memory_mb;
  std::string initialization_type;
  std::string release;      ///< SENTRY_RELEASE; goes before TraceFacts::release
  std::string environment;  ///< SENTRY_ENVIRONMENT; goes before TraceFacts::environment
};

/// What the function has written to its log.
struct LogLine {
  std::optional<WallTime> at;
  std::string level;  ///< in the function's own word; "": not said
  std::string text;
};

/// One failure. Whatever is empty is not known.
struct FailureFacts {
  FailureKind kind = FailureKind::failure;
  WallTime at;                  ///< when it failed
  std::string error_type;       ///< in the platform's words
  std::string shutdown_reason;  ///< as it came
  FunctionFacts function;
  std::string request_id;
  std::string function_arn;
  std::string xray_trace;         ///< the X-Ray header of the invoke
  std::optional<WallTime> begun;  ///< INVOKE
  std::optional<bool> cold;       ///< the first invoke of its process
  std::optional<std::chrono::seconds> timeout;
  std::optional<double> duration_ms;
  std::optional<std::uint64_t> max_memory_mb;
  std::string phase;         ///< of an init: init, invoke, snap-start
  TraceFacts trace;          ///< what an SDK said in this invoke
  std::vector<LogLine> log;  ///< the last ones, the oldest first; they become breadcrumbs
};

/// The bits that make an event's ids: two words for the event, one for its span.
using EventBits = std::array<std::uint64_t, 3>;

/// A whole envelope with one event item, a line end behind each of its three lines; no dsn and no
/// sent_at, which it gets when it leaves. Texts are cut to what Relay keeps; a release or
/// environment that Relay would throw away is left out, and so is a time before 2020. Grouped by
/// kind and function: durations, limits and ids make no new issue.
[[nodiscard]] std::string encode_failure(const FailureFacts& facts, const EventBits& random);

}  // namespace proto
