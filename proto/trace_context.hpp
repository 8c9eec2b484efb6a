// What the header of an SDK's envelope says of the trace its events belong to, so that an event of
// ours can be put beside them. Sentry develop docs, "Dynamic Sampling Context"; checked 2026-11.
#pragma once

#include <string>
#include <string_view>

namespace proto {

/// What is absent or no string is "".
struct TraceContext {
  std::string trace_id;  ///< as it came
  std::string release;
  std::string environment;
};

/// The member `trace` of an envelope's header line.
[[nodiscard]] TraceContext parse_trace_context(std::string_view header);

}  // namespace proto
