#include "proto/telemetry.hpp"

#include <simdjson.h>

#include "proto/errc.hpp"
#include "proto/json.hpp"

namespace proto {
namespace {

namespace dom = simdjson::dom;

std::string text_of(simdjson::simdjson_result<dom::element> field) {
  std::string_view text;
  if (field.get(text)) return {};
  return std::string{text};
}

std::optional<WallTime> time_of(simdjson::simdjson_result<dom::element> field) {
  const auto time = parse_rfc3339(text_of(field));
  if (!time) return std::nullopt;
  return *time;
}

TelemetryKind kind_of(std::string_view type) {
  if (type == "platform.runtimeDone") return TelemetryKind::runtime_done;
  if (type == "platform.start") return TelemetryKind::start;
  if (type == "platform.report") return TelemetryKind::report;
  if (type == "platform.initRuntimeDone") return TelemetryKind::init_runtime_done;
  if (type == "platform.restoreStart") return TelemetryKind::restore_start;
  if (type == "platform.logsDropped") return TelemetryKind::logs_dropped;
  return TelemetryKind::other;
}

TelemetryRecord record_of(const dom::element& entry) {
  const TelemetryKind kind = kind_of(text_of(entry["type"]));
  dom::object record;
  if (kind == TelemetryKind::other || entry["record"].get(record)) return {};
  return {
      .kind = kind,
      .request_id = text_of(record["requestId"]),
      .status = text_of(record["status"]),
      .error_type = text_of(record["errorType"]),
      .time = time_of(entry["time"]),
  };
}

}  // namespace

Result<std::vector<TelemetryRecord>> parse_telemetry(std::string_view body) {
  const simdjson::padded_string padded{body};
  dom::parser parser;
  dom::array batch;
  if (parser.parse(padded).get(batch)) return Errc::json_invalid;
  std::vector<TelemetryRecord> records;
  for (const dom::element entry : batch) records.push_back(record_of(entry));
  return records;
}

std::string telemetry_subscription(std::string_view uri, std::string_view schema) {
  return R"({"schemaVersion":)" + json_quote(schema) +
         R"(,"types":["platform"],)"
         R"("buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":25},)"
         R"("destination":{"protocol":"HTTP","URI":)" +
         json_quote(uri) + "}}";
}

}  // namespace proto
