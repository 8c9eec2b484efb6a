// All of the input is what the platform says: a batch of telemetry, an event, a registration, an
// error.
#include <cmath>

#include <doctest/doctest.h>

#include "proto/lambda_events.hpp"
#include "proto/telemetry.hpp"
#include "tests/fuzz/json_tree.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

void check_record(const proto::TelemetryRecord& record) {
  if (record.duration_ms) {
    CHECK(std::isfinite(*record.duration_ms));
    CHECK(*record.duration_ms >= 0);
  }
  CHECK(record.log_text.size() <= proto::kMaxLogText);
  if (record.kind != proto::TelemetryKind::function_log) CHECK(record.log_text.empty());
  CHECK(record.kind != proto::TelemetryKind::other);
}

/// Whatever we read is JSON; what is no JSON we do not read.
void check_batch(std::string_view body) {
  const auto records = proto::parse_telemetry(body);
  if (!records) return;
  const auto json = fuzz::read_json(body);
  REQUIRE(json.has_value());
  CHECK(json->kind == fuzz::Json::Kind::array);
  // Those of another kind are left out.
  CHECK(records->size() <= json->members.size());
  for (const auto& record : *records) check_record(record);
}

void check_event(std::string_view body) {
  const auto event = proto::parse_lambda_event(body);
  if (!event) return;
  const auto json = fuzz::read_json(body);
  REQUIRE(json.has_value());
  const auto* type = json->member("eventType");
  REQUIRE(type != nullptr);
  if (json->count("eventType") > 1) return;
  CHECK(type->text == (std::holds_alternative<proto::InvokeEvent>(*event) ? "INVOKE" : "SHUTDOWN"));
}

}  // namespace

void fuzz::telemetry(std::string_view input) {
  check_batch(input);
  check_event(input);
  const auto registration = proto::parse_registration(input);
  if (!registration.function_name.empty()) CHECK(read_json(input).has_value());
  const auto error = proto::parse_platform_error(input);
  if (!error.type.empty()) CHECK(read_json(input).has_value());
}
