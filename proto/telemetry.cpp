#include "proto/telemetry.hpp"

#include <cmath>

#include <simdjson.h>

#include "proto/errc.hpp"
#include "proto/event_text.hpp"
#include "proto/json.hpp"
#include "proto/json_dom.hpp"

namespace proto {
namespace {

namespace dom = simdjson::dom;

/// nullopt for what no clock that is right can show, too.
std::optional<WallTime> time_of(simdjson::simdjson_result<dom::element> field) {
  std::string_view text;
  if (field.get(text)) return std::nullopt;
  const auto time = parse_rfc3339(text);
  if (!time || *time < kOldestSane || *time >= kLatestSane) return std::nullopt;
  return *time;
}

/// Whole or not, from 0 to more than any metric can mean.
std::optional<double> quantity_of(simdjson::simdjson_result<dom::element> field) {
  constexpr double kMost = 1e12;
  double quantity = 0;
  if (field.get(quantity) || !(quantity >= 0 && quantity <= kMost)) return std::nullopt;
  return quantity;
}

std::optional<std::uint64_t> whole_of(simdjson::simdjson_result<dom::element> field) {
  const auto quantity = quantity_of(field);
  if (!quantity) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(*quantity));
}

TelemetryKind kind_of(std::string_view type) {
  if (type == "platform.runtimeDone") return TelemetryKind::runtime_done;
  if (type == "platform.start") return TelemetryKind::start;
  if (type == "platform.report") return TelemetryKind::report;
  if (type == "platform.initRuntimeDone") return TelemetryKind::init_runtime_done;
  if (type == "platform.initReport") return TelemetryKind::init_report;
  if (type == "platform.restoreStart") return TelemetryKind::restore_start;
  if (type == "platform.restoreRuntimeDone") return TelemetryKind::restore_runtime_done;
  if (type == "platform.logsDropped") return TelemetryKind::logs_dropped;
  if (type == "function") return TelemetryKind::function_log;
  return TelemetryKind::other;
}

// Longer than any request id, and any word for a level.
constexpr std::size_t kMaxLogWord = 64;

/// A text without the end of its line.
std::string log_text(std::string_view line) {
  line = clipped(line, kMaxLogText);
  return std::string(line.substr(0, line.find_last_not_of("\r\n") + 1));
}

/// A string, or an object where the function logs JSON.
TelemetryRecord log_record_of(const dom::element& entry) {
  TelemetryRecord record;
  record.kind = TelemetryKind::function_log;
  record.time = time_of(entry["time"]);
  const auto logged = entry["record"];
  std::string_view line;
  if (!logged.get(line)) {
    record.log_text = log_text(line);
    return record;
  }
  dom::object fields;
  if (logged.get(fields)) return {};
  record.request_id = clipped(text_of(fields["requestId"]), kMaxLogWord);
  record.log_level = clipped(text_of(fields["level"]), kMaxLogWord);
  const bool has_message = !fields["message"].get(line);
  record.log_text = log_text(has_message ? line : simdjson::minify(fields));
  return record;
}

TelemetryRecord record_of(const dom::element& entry) {
  const TelemetryKind kind = kind_of(text_of(entry["type"]));
  if (kind == TelemetryKind::function_log) return log_record_of(entry);
  dom::object record;
  if (kind == TelemetryKind::other || entry["record"].get(record)) return {};
  const auto metrics = record["metrics"];
  return {
      .kind = kind,
      .request_id = text_of(record["requestId"]),
      .status = text_of(record["status"]),
      .error_type = text_of(record["errorType"]),
      .time = time_of(entry["time"]),
      .duration_ms = quantity_of(metrics["durationMs"]),
      .memory_mb = whole_of(metrics["memorySizeMB"]),
      .max_memory_mb = whole_of(metrics["maxMemoryUsedMB"]),
      .phase = text_of(record["phase"]),
      .initialization_type = text_of(record["initializationType"]),
      .trace_id = text_of(record["tracing"]["value"]),
  };
}

}  // namespace

Result<std::vector<TelemetryRecord>> parse_telemetry(std::string_view body) {
  const simdjson::padded_string padded{body};
  dom::parser parser;
  dom::array batch;
  if (parser.parse(padded).get(batch)) return Errc::json_invalid;
  std::vector<TelemetryRecord> records;
  for (const dom::element entry : batch) {
    auto record = record_of(entry);
    if (record.kind != TelemetryKind::other) records.push_back(std::move(record));
  }
  return records;
}

std::string to_json(const TelemetrySubscription& subscription) {
  return R"({"schemaVersion":)" + json_quote(subscription.schema) + R"(,"types":["platform")" +
         (subscription.function_logs ? R"(,"function")" : "") +
         R"(],"buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":)" +
         std::to_string(subscription.buffer_ms) + R"(},"destination":{"protocol":"HTTP","URI":)" +
         json_quote(subscription.uri) + "}}";
}

}  // namespace proto
