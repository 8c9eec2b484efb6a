// Telemetry API batches -> the records we act on. Everything else is counted and ignored.
// AWS docs, "Lambda Telemetry API Event schema reference"; checked 2026-11.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"
#include "proto/timestamp.hpp"

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
  std::optional<WallTime> time;  ///< when it happened
};

/// A batch is a JSON array of {time, type, record}; a record of the wrong shape becomes `other`.
/// Error: json_invalid when the body is not a JSON array.
[[nodiscard]] Result<std::vector<TelemetryRecord>> parse_telemetry(std::string_view body);

/// The newest first. Managed Instances take only that one; what we read of a record is the same in
/// all of them.
inline constexpr std::array<std::string_view, 3> kTelemetrySchemas{"2025-01-29", "2022-12-13",
                                                                   "2022-07-01"};

/// The body of PUT /2022-07-01/telemetry: type platform, the shortest buffering the platform allows
/// (25 ms), destination `uri`.
[[nodiscard]] std::string telemetry_subscription(std::string_view uri,
                                                 std::string_view schema = kTelemetrySchemas[0]);

}  // namespace proto
