// /stats and /metrics: two views of one snapshot.
#include <map>
#include <string>

#include <doctest/doctest.h>
#include <simdjson.h>

#include "relay/metrics.hpp"
#include "relay/snapshot.hpp"
#include "relay/stats_json.hpp"
#include "tests/support/counts.hpp"

using namespace std::chrono_literals;

namespace {

using proto::Category;
using support::counts;

relay::Snapshot snapshot() {
  relay::Snapshot now;
  now.started = relay::WallTime{1795458000000ms};
  now.now = now.started + 1500ms;
  now.stats.ledger.accept(counts(Category::error, 10));
  now.stats.ledger.deliver(counts(Category::error, 4));
  now.stats.ledger.refuse(413, counts(Category::error, 1));
  now.stats.ledger.drop(relay::DropReason::send_error, counts(Category::error, 2));
  now.stats.ledger.reject(relay::RejectReason::full);
  now.waiting = counts(Category::error, 3);
  now.stats.accept_time.add(300us);
  now.stats.accept_time.add(20s);
  now.hosts.push_back({"https://o1.ingest.sentry.io:443", true, 4s, 1, 80ms});
  now.limits.push_back({"https://abcd…@o1.ingest.sentry.io/42", "error", 58s});
  now.host.held = {{"delivery", 3, 250ms}, {"telemetry", 1, 25ms}};
  now.host.held_unknown = 1;
  now.host.hold_time.add(250ms);
  now.host.recent.push_back({"r1", now.started, {}, now.now, {}, "delivery", 2, 1});
  now.host.settings = {{"THAW_PORT", "9797", true}, {"THAW_PACE", "prompt", false}};
  return now;
}

/// Samples by name and labels, comments left out.
std::map<std::string, std::string> samples(const std::string& metrics) {
  std::map<std::string, std::string> found;
  for (std::size_t begin = 0; begin < metrics.size();) {
    const std::size_t end = metrics.find('\n', begin);
    const std::string line = metrics.substr(begin, end - begin);
    begin = end + 1;
    const auto space = line.rfind(' ');
    if (!line.starts_with('#')) found.emplace(line.substr(0, space), line.substr(space + 1));
  }
  return found;
}

}  // namespace

TEST_SUITE_BEGIN("relay/views");

TEST_CASE("/stats says every fate, and leaves out what never was") {
  simdjson::dom::parser parser;
  simdjson::dom::element stats;
  const std::string text = to_json(snapshot());
  REQUIRE_FALSE(parser.parse(text).get(stats));
  const auto number = [&](std::string_view pointer) {
    CAPTURE(std::string(pointer));
    std::int64_t value = -1;
    CHECK_FALSE(stats.at_pointer(pointer).get(value));
    return value;
  };
  CHECK(number("/schema") == relay::kStatsSchema);
  CHECK(number("/items/error/accepted") == 10);
  CHECK(number("/items/error/delivered") == 4);
  CHECK(number("/items/error/refused/413") == 1);
  CHECK(number("/items/error/dropped/send_error") == 2);
  CHECK(number("/items/error/waiting") == 3);
  CHECK(number("/rejected/full") == 1);
  CHECK(number("/local/accept/count") == 2);
  CHECK(number("/local/accept/buckets/0.5") == 1);
  CHECK(number("/local/accept/buckets/more") == 1);
  CHECK(number("/held/all/ms") == 275);
  CHECK(number("/held/delivery/invokes") == 3);
  CHECK(number("/held/recent/0/delivered") == 1);
  CHECK(number("/hosts/0/next_probe_ms") == 4000);
  CHECK(number("/limits/0/seconds") == 58);
  for (const auto* absent : {"transaction", "THAW_PORT", "not_allowed"}) {
    CHECK(text.find(absent) == std::string::npos);
  }
  CHECK(text.find(R"("held_ms":null)") != std::string::npos);
  CHECK(text.find(R"("settings":{"THAW_PACE":"prompt"})") != std::string::npos);
  CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("/metrics says the same") {
  const std::string text = to_openmetrics(snapshot());
  auto found = samples(text);
  const auto is = [&](const std::string& name, const std::string& value) {
    CAPTURE(name);
    CHECK(found[name] == value);
  };
  is(R"(thaw_items_accepted_total{category="error"})", "10");
  is(R"(thaw_items_refused_total{category="error",status="413"})", "1");
  is(R"(thaw_items_dropped_total{category="error",reason="send_error"})", "2");
  is(R"(thaw_items_waiting{category="error"})", "3");
  is(R"(thaw_requests_rejected_total{reason="full"})", "1");
  is(R"(thaw_accept_seconds_bucket{le="0.00025"})", "0");
  is(R"(thaw_accept_seconds_bucket{le="0.0005"})", "1");
  is(R"(thaw_accept_seconds_bucket{le="10"})", "1");
  is(R"(thaw_accept_seconds_bucket{le="+Inf"})", "2");
  is("thaw_accept_seconds_count", "2");
  is("thaw_accept_seconds_sum", "20.0003");
  is(R"(thaw_held_seconds_total{for="delivery"})", "0.25");
  is(R"(thaw_breaker_open{host="https://o1.ingest.sentry.io:443"})", "1");
  // It goes down when an end is told late, which no counter may.
  is("thaw_invokes_held_unknown", "1");
  is("thaw_uptime_seconds", "1.5");
  CHECK(text.ends_with("# EOF\n"));
}

TEST_CASE("a label's value cannot end it") {
  relay::Snapshot now;
  now.hosts.push_back({"a\"b\\c\nd", false, 0ms, 0, 0ms});
  CHECK(to_openmetrics(now).find(R"(thaw_breaker_open{host="a\"b\\c\nd"} 0)") != std::string::npos);
}

TEST_SUITE_END();
