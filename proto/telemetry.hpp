// Telemetry API batches -> the records we act on. Everything else is counted and ignored.
// AWS docs, "Lambda Telemetry API Event schema reference"; checked 2026-11.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace proto {

enum class TelemetryKind {
  runtime_done,
  start,
  report,
  init_runtime_done,
  restore_start,
  logs_dropped,
  other
};

struct TelemetryRecord {
  TelemetryKind kind = TelemetryKind::other;
  std::string request_id;  ///< "" where the record has none
  std::string status;      ///< success, error, failure, timeout; "" if absent
  std::string error_type;
};

/// A batch is a JSON array of {time, type, record}; a record of the wrong shape becomes `other`.
/// Error: json_invalid when the body is not a JSON array.
[[nodiscard]] Result<std::vector<TelemetryRecord>> parse_telemetry(std::string_view body);

/// The body of PUT /2022-07-01/telemetry: schema 2025-01-29, type platform, the shortest buffering
/// the platform allows (25 ms), destination `uri`.
[[nodiscard]] std::string telemetry_subscription(std::string_view uri);

}  // namespace proto
