// Telemetry API batches -> the records we act on. Everything else is counted and ignored.
// AWS docs, "Lambda Telemetry API Event schema reference"; checked 2026-11.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
  init_report,
  restore_start,
  restore_runtime_done,
  logs_dropped,
  function_log,
  other
};

struct TelemetryRecord {
  TelemetryKind kind = TelemetryKind::other;
  std::string request_id;  ///< "" where the record has none
  std::string status;      ///< success, error, failure, timeout; "" if absent
  std::string error_type;
  std::optional<WallTime> time = {};
  std::optional<double> duration_ms = {};           ///< metrics.durationMs, never negative
  std::optional<std::uint64_t> memory_mb = {};      ///< metrics.memorySizeMB of a report
  std::optional<std::uint64_t> max_memory_mb = {};  ///< metrics.maxMemoryUsedMB of a report
  std::string phase = {};                           ///< init, invoke, snap-start; of an init record
  std::string initialization_type = {};             ///< of an init record
  std::string trace_id = {};                        ///< the X-Ray header, "" if there is none
  std::string log_level = {};                       ///< of a log line in JSON, as it came
  std::string log_text = {};  ///< of a log line at most kMaxLogText bytes: of one in JSON its
                              ///< message, or all of it where it has none
};

/// A longer log line is cut.
inline constexpr std::size_t kMaxLogText = 1024;

/// A batch is a JSON array of {time, type, record}; a record that is nobody's business here or has
/// the wrong shape is left out, a field of the wrong shape is as if it were absent.
/// Error: json_invalid when the body is not a JSON array.
[[nodiscard]] Result<std::vector<TelemetryRecord>> parse_telemetry(std::string_view body);

/// The newest first. Managed Instances take only that one; what we read of a record is the same in
/// all of them.
inline constexpr std::array<std::string_view, 3> kTelemetrySchemas{"2025-01-29", "2022-12-13",
                                                                   "2022-07-01"};

struct TelemetrySubscription {
  std::string uri;  ///< where to
  std::string_view schema = kTelemetrySchemas[0];
  unsigned buffer_ms = 25;  ///< how long records may wait for company: 25, the shortest, to 30,000
  bool function_logs = false;  ///< what the function writes, beside what the platform tells
};

/// The body of PUT /2022-07-01/telemetry.
[[nodiscard]] std::string to_json(const TelemetrySubscription& subscription);

}  // namespace proto
