// Two lines, an item's type and header; the rest is its payload: what is shown of it, and what
// texts of it an event of ours takes.
#include <doctest/doctest.h>

#include "proto/event_text.hpp"
#include "proto/failure_event.hpp"
#include "proto/item_lines.hpp"
#include "proto/json.hpp"
#include "proto/json_text.hpp"
#include "proto/printable.hpp"
#include "proto/timestamp.hpp"
#include "proto/trace_context.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/json_tree.hpp"
#include "tests/fuzz/naive_envelope.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

void check_lines(std::string_view type, std::string_view header, std::string_view payload) {
  const auto lines = proto::item_lines(type, header, payload);
  CHECK_FALSE(lines.empty());
  CHECK(lines.size() <= proto::kMaxItemLines + 1);
  for (const auto& line : lines) {
    CHECK(line.level.size() <= proto::kMaxItemLineBytes);
    CHECK(line.what.size() <= proto::kMaxItemLineBytes + std::string_view("…").size());
  }
}

void check_json(std::string_view text) {
  const std::string small = proto::minified_json(text);
  if (small.empty()) return;
  CHECK(fuzz::read_json(text).has_value());
  CHECK(small.size() <= text.size());
  CHECK(proto::minified_json(small) == small);
  const std::string indented = proto::indented_json(small);
  CHECK(proto::minified_json(indented) == small);
  // No one can make it large by nesting.
  CHECK(indented.size() <= 100 * small.size());
  const std::string shown = proto::printable_json(small);
  CHECK(fuzz::read_json(shown).has_value());
  CHECK(proto::printable(shown) == shown);
}

void check_text(std::string_view text) {
  const std::string quoted = proto::json_quote(text);
  const auto read = fuzz::read_json(quoted);
  REQUIRE(read.has_value());
  if (proto::is_utf8(text)) CHECK(read->text == text);
  const std::string shown = proto::printable(text);
  CHECK(proto::is_utf8(shown));
  CHECK(proto::printable(shown) == shown);
  const auto clipped = proto::clipped(text, proto::kMaxNameBytes);
  CHECK(text.starts_with(clipped));
  CHECK(clipped.size() <= proto::kMaxNameBytes);
  if (proto::is_utf8(text)) CHECK(proto::is_utf8(clipped));
  CHECK(proto::tag_text(text).find_first_of("\r\n") == std::string::npos);
  CHECK(proto::valid_release(text).size() <= proto::kMaxReleaseBytes);
  CHECK(proto::valid_environment(text).size() <= proto::kMaxEnvironmentBytes);
}

void check_time(std::string_view text) {
  const auto time = proto::parse_rfc3339(text);
  // Beyond the clock's ends it is the nearer one.
  if (!time || *time == proto::WallTime::max() || *time == proto::WallTime::min()) return;
  const auto again = proto::parse_rfc3339(proto::to_rfc3339(*time));
  REQUIRE(again.has_value());
  CHECK(*again == std::chrono::floor<std::chrono::microseconds>(*time));
}

/// An event in which each text is a foreign one.
void check_failure(std::string_view text, const proto::TraceFacts& trace) {
  proto::FailureFacts facts;
  const std::string foreign(text);
  facts.kind = static_cast<proto::FailureKind>(text.size() % 6);
  facts.at = proto::kOldestSane;
  facts.error_type = facts.shutdown_reason = facts.request_id = foreign;
  facts.function_arn = facts.xray_trace = facts.phase = foreign;
  facts.function.name = facts.function.version = facts.function.region = foreign;
  facts.function.release = facts.function.environment = foreign;
  facts.trace = trace;
  facts.log.push_back({facts.at, foreign, foreign});
  const std::string event = proto::encode_failure(facts, {1, 2, 3});
  const auto read = fuzz::read_envelope(event);
  CHECK(read.refusal.empty());
  REQUIRE(read.items.size() == 1);
  CHECK(fuzz::read_json(read.items[0].payload).has_value());
}

}  // namespace

void fuzz::event(std::string_view bytes) {
  Input input(bytes);
  const auto type = input.line();
  const auto header = input.line();
  const auto payload = input.rest();
  check_lines(type, header, payload);
  check_json(payload);
  check_text(payload);
  check_time(type);
  check_failure(payload, proto::parse_trace_context(header));
  const auto json = read_json(payload);
  if (!json || json->kind != Json::Kind::object) return;
  CHECK(proto::json_object_end(payload) == payload.find_last_of('}') + 1);
}
