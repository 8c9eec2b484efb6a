#include "relay/emf.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>
#include <simdjson.h>

using namespace std::chrono_literals;

namespace {

using simdjson::dom::array;
using simdjson::dom::element;

constexpr relay::WallTime kBegin{1795458000000ms};

proto::CategoryCounts errors(std::uint64_t quantity) {
  proto::CategoryCounts counts;
  counts.add(proto::Category::error, quantity);
  return counts;
}

relay::Snapshot snapshot() {
  relay::Snapshot now;
  now.now = kBegin + 5min;
  now.stats.ledger.accept(errors(20));
  now.stats.ledger.deliver(errors(10));
  now.stats.ledger.refuse(413, errors(1));
  now.stats.ledger.refuse(429, errors(2));
  now.stats.ledger.drop(relay::DropReason::send_error, errors(4));
  now.stats.ledger.reject(relay::RejectReason::full);
  now.stats.cuts = 5;
  now.stats.possible_duplicates = 6;
  now.waiting = errors(3);
  now.host.held = {{"delivery", 3, 250ms}, {"telemetry", 1, 25ms}};
  now.host.failures_reported = 8;
  return now;
}

const relay::EmfValues kValues = {20, 10, 7, 3, 4, 1, 3, 275, 4, 5, 6, 8};

// The units CloudWatch knows of which ours are (AWS docs, CloudWatch API, "MetricDatum").
const std::set<std::string_view> kUnits = {"Count", "Milliseconds"};

std::string_view text(simdjson::simdjson_result<element> field) {
  std::string_view text;
  CHECK_FALSE(field.get(text));
  return text;
}

struct Line {
  explicit Line(const std::string& line) {
    CAPTURE(line);
    REQUIRE_FALSE(parser.parse(line).get(root));
  }

  [[nodiscard]] std::int64_t number(std::string_view name) const {
    std::int64_t value = -1;
    CHECK_FALSE(root[name].get(value));
    return value;
  }

  simdjson::dom::parser parser;
  element root;
};

// AWS docs, "Specification: Embedded metric format".
void check_valid(const Line& line) {
  std::uint64_t timestamp = 0;
  CHECK_FALSE(line.root.at_pointer("/_aws/Timestamp").get(timestamp));
  CHECK(timestamp == 1795458300000);
  array directives;
  REQUIRE_FALSE(line.root.at_pointer("/_aws/CloudWatchMetrics").get(directives));
  for (const element directive : directives) {
    const auto name_space = text(directive["Namespace"]);
    CHECK(name_space == "Thaw");
    array sets;
    REQUIRE_FALSE(directive["Dimensions"].get(sets));
    CHECK(sets.size() == 1);
    array dimensions;
    REQUIRE_FALSE(sets.at(0).get(dimensions));
    CHECK(dimensions.size() <= 30);
    for (const element dimension : dimensions) {
      std::string_view name;
      REQUIRE_FALSE(dimension.get(name));
      const auto value = text(line.root[name]);
      CHECK_FALSE(value.empty());
      CHECK(value.size() <= 1024);
    }
    array metrics;
    REQUIRE_FALSE(directive["Metrics"].get(metrics));
    CHECK(metrics.size() == relay::kEmfMetrics);
    for (const element metric : metrics) {
      CHECK(kUnits.contains(text(metric["Unit"])));
      CHECK(line.number(text(metric["Name"])) >= 0);
    }
  }
}

/// The next line, written.
std::optional<std::string> say(relay::EmfLines& lines, const relay::Snapshot& now) {
  auto line = lines.line(now);
  lines.said(now);
  return line;
}

}  // namespace

TEST_SUITE_BEGIN("relay/emf");

TEST_CASE("each value is the one that its metric names") {
  CHECK(emf_values(snapshot()) == kValues);
  const Line line(relay::to_emf(kValues, "fn", snapshot().now));
  check_valid(line);
  CHECK(text(line.root["FunctionName"]) == "fn");
  for (std::size_t i = 0; i < kValues.size(); ++i) {
    CHECK(line.number(relay::emf_metrics().at(i).name) == static_cast<std::int64_t>(kValues.at(i)));
  }
  CHECK(line.root["level"].error());
}

TEST_CASE("a function without a name has a dimension all the same, and any name is a string") {
  CHECK(text(Line(relay::to_emf({}, "", {})).root["FunctionName"]) == "unknown");
  CHECK(text(Line(relay::to_emf({}, "a\"b\n", {})).root["FunctionName"]) == "a\"b\n");
}

TEST_CASE("a line has what has come since the one before; what waits is as it is") {
  relay::EmfLines lines(5min, "fn", kBegin);
  auto now = snapshot();
  CHECK(Line(say(lines, now).value()).number("Accepted") == 20);
  now.stats.ledger.accept(errors(2));
  const Line second(say(lines, now).value());
  check_valid(second);
  CHECK(second.number("Accepted") == 2);
  CHECK(second.number("Delivered") == 0);
  CHECK(second.number("HeldTime") == 0);
  CHECK(second.number("Waiting") == 3);
}

TEST_CASE("counts that have begun anew are counted from nothing") {
  relay::EmfLines lines(5min, "fn", kBegin);
  static_cast<void>(say(lines, snapshot()));
  relay::Snapshot now;
  now.stats.ledger.accept(errors(2));
  CHECK(Line(say(lines, now).value()).number("Accepted") == 2);
}

TEST_CASE("without news there is no line; what no longer waits is news") {
  relay::EmfLines lines(5min, "fn", kBegin);
  CHECK_FALSE(say(lines, {}));
  relay::Snapshot waits;
  waits.waiting = errors(1);
  CHECK(say(lines, waits));
  CHECK(say(lines, waits));
  CHECK(Line(say(lines, {}).value()).number("Waiting") == 0);
  CHECK_FALSE(say(lines, {}));
}

TEST_CASE("a line is due so many minutes after the one before, and never if none is wanted") {
  relay::EmfLines lines(5min, "fn", kBegin);
  CHECK_FALSE(lines.due(kBegin + 5min - 1ms));
  CHECK(lines.due(kBegin + 5min));
  CHECK(lines.due(kBegin + 5min + 1ms));
  static_cast<void>(say(lines, snapshot()));
  CHECK_FALSE(lines.due(snapshot().now + 5min - 1ms));
  CHECK(lines.due(snapshot().now + 5min));
  relay::EmfLines none(0min, "fn", kBegin);
  CHECK_FALSE(none.wanted());
  CHECK_FALSE(none.due(kBegin + 24h));
}

TEST_CASE("a clock that steps back a day delays a line by its minutes, not by the day") {
  relay::EmfLines lines(5min, "fn", kBegin);
  CHECK_FALSE(lines.due(kBegin - 24h));
  CHECK_FALSE(lines.due(kBegin - 24h + 5min - 1ms));
  CHECK(lines.due(kBegin - 24h + 5min));
}

TEST_SUITE_END();
