// What the header of an SDK's envelope says of the trace its events belong to and of the SDK, so
// that an event of ours can be put beside them. Sentry develop docs, "Dynamic Sampling Context" and
// "Envelopes"; checked 2026-11.
#pragma once

#include <string>
#include <string_view>

namespace proto {

/// What an SDK said. What is absent or no string is "".
struct TraceFacts {
  std::string trace_id;  ///< as it came
  std::string release;
  std::string environment;
  std::string platform;  ///< of its events, as "python"; by the name of the SDK
};

/// The members `trace` and `sdk` of an envelope's header.
[[nodiscard]] TraceFacts parse_trace_context(std::string_view header);

/// The platform that an SDK writes into its events, by its name, "sentry.python/2.75.0" as in
/// sentry_client or without the version. "" if it is not known.
[[nodiscard]] std::string platform_of_sdk(std::string_view sdk);

}  // namespace proto
