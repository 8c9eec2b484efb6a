// What the judge makes of an answer, or none: what it counts against a host, and what it remembers
// for the next try.
#include "relay/judge.hpp"

#include <string>
#include <utility>
#include <vector>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include "tests/relay/delivery_bench.hpp"

using proto::Category;
using relay::DropReason;
using relay::Gate;
using relay::milliseconds;
using support::DeliveryBench;
using support::written;

namespace {

const boost::system::error_code kRefused = boost::asio::error::connection_refused;
const boost::system::error_code kReset = boost::asio::error::connection_reset;

constexpr std::int64_t kMinute = 60'000;

/// Another endpoint's request, into whose body nobody has looked.
void accept_opaque(DeliveryBench& bench) {
  auto* where = bench.destinations.find_or_add(support::route());
  relay::RecordHead head;
  head.counts.add(Category::default_);
  relay::Parcel logs(std::move(head), proto::Bytes::copy_of("{}"));
  REQUIRE(bench.backlog.accept(std::move(logs), *where, bench.delivery.awake()));
  bench.delivery.accepted();
  bench.settle();
}

/// Whose every look falls behind another freeze of two hours.
class LeapingClock final : public relay::Clock {
 public:
  [[nodiscard]] relay::SteadyTime now() const override { return {}; }

  [[nodiscard]] relay::WallTime wall_now() const override { return wall_ += std::chrono::hours{2}; }

  [[nodiscard]] boost::asio::awaitable<void> sleep_until(relay::SteadyTime) override { co_return; }

 private:
  mutable relay::WallTime wall_{std::chrono::hours{400'000}};
};

}  // namespace

TEST_SUITE_BEGIN("relay/judge");

TEST_CASE("what has no items is limited by what it counts as") {
  for (const auto* limited : {"error", "session"}) {
    CAPTURE(limited);
    DeliveryBench bench;
    auto* where = bench.destinations.find_or_add(support::route());
    where->limits.learn("60:" + std::string(limited) + ":organization", bench.clock.wall_now());
    relay::RecordHead head;
    head.counts.add(Category::error);
    relay::Parcel dump(std::move(head), proto::Bytes::copy_of("MDMP"));
    REQUIRE(bench.backlog.accept(std::move(dump), *where, bench.delivery.awake()));
    bench.delivery.accepted();
    bench.settle();
    const bool taken = std::string(limited) == "error";
    CHECK(bench.dropped(DropReason::ratelimit_backoff) == (taken ? 1 : 0));
    CHECK(bench.delivered() == (taken ? 0 : 1));
  }
}

TEST_CASE("a limit of errors, which names default beside them, takes no logs of OpenTelemetry's") {
  for (const auto* limits : {"60:default;error;security:organization", "60::organization"}) {
    CAPTURE(limits);
    DeliveryBench bench;
    auto* where = bench.destinations.find_or_add(support::route());
    where->limits.learn(limits, bench.clock.wall_now());
    accept_opaque(bench);
    const bool all = std::string(limits) == "60::organization";
    CHECK(bench.dropped(DropReason::ratelimit_backoff) == (all ? 1 : 0));
    CHECK(bench.delivered() == (all ? 0 : 1));
  }
}

TEST_CASE("of what is one piece a 429 has taken nothing, whatever it calls the limit") {
  for (const auto* limits : {"60:span:organization", "60:log_item;log_byte:key", "60:new:key"}) {
    CAPTURE(limits);
    DeliveryBench bench;
    bench.upstream.answers(429, limits);
    accept_opaque(bench);
    CHECK(bench.refused(429) == 1);
    bench.upstream.answers(429, limits);
    bench.accept("brand_new");
    bench.settle();
    CHECK(bench.refused(429) == 2);
    CHECK(bench.delivered() == 0);
    CHECK(bench.upstream.calls() == 2);
  }
}

TEST_CASE("what a 429 has refused is not delivered, however long a freeze comes upon it") {
  DeliveryBench bench;
  bench.gate(Gate::closed);
  const auto id = bench.accept(support::envelope({"event", "session"}));
  LeapingClock clock;
  relay::Judge judge(clock, bench.log, bench.backlog, bench.stats, [] { return std::uint64_t{0}; });
  relay::UpstreamAnswer answer;
  answer.status = 429;
  answer.rate_limits = "60:error:key";
  judge.answered(*bench.backlog.find(id), answer, false);
  CHECK(bench.refused(429) == 1);
  CHECK(bench.stats.ledger.delivered().total() == 1);
}

TEST_CASE("an unknown key and a disabled project are said in the same words") {
  for (const unsigned status : {401U, 403U}) {
    DeliveryBench bench;
    bench.upstream.answers(status);
    bench.accept("event");
    bench.settle();
    REQUIRE(bench.lines.lines.size() == 1);
    CHECK(bench.lines.lines[0].find("check that key and project") != std::string::npos);
  }
}

TEST_CASE("a redirect is said to be one") {
  DeliveryBench bench;
  bench.upstream.answers(301);
  bench.accept("event");
  bench.settle();
  CHECK(bench.refused(301) == 1);
  REQUIRE(bench.lines.lines.size() == 1);
  CHECK(bench.lines.lines[0].find("redirects are not followed") != std::string::npos);
  CHECK(bench.lines.lines[0].find("what the SDK sent") == std::string::npos);
}

TEST_CASE("an upstream that answers with its own trouble is not said to be silent") {
  for (const unsigned status : {500U, 503U}) {
    CAPTURE(status);
    const std::string answers = "up.example answers " + std::to_string(status);
    DeliveryBench bench({.breaker_failures = 2});
    bench.upstream.answers(status);
    bench.upstream.answers(status);
    bench.accept("event");
    bench.settle();
    REQUIRE(bench.lines.lines.size() == 1);
    CHECK(bench.lines.lines[0].find(answers + "; events are kept and sent again") !=
          std::string::npos);
    bench.accept("event");
    bench.settle();
    // Of a 500 the host is well.
    REQUIRE(bench.lines.lines.size() == (status == 503 ? 2 : 1));
    if (status == 503) CHECK(bench.lines.lines[1].find(answers + "; events") != std::string::npos);
  }
}

TEST_CASE("a limit of Sentry's is said once for its DSN") {
  for (const auto* limits : {"", "60:error:organization"}) {
    CAPTURE(limits);
    DeliveryBench bench;
    bench.upstream.answers(429, limits);
    bench.accept("event");
    bench.accept("event");
    bench.settle();
    REQUIRE(bench.lines.lines.size() == 1);
    CHECK(bench.lines.lines[0].find("upstream answered 429 for ") != std::string::npos);
    CHECK(bench.lines.lines[0].find("quotas and rate limits") != std::string::npos);
  }
}

TEST_CASE("what upstream may have taken is remembered from the first time it was written") {
  DeliveryBench bench({.breaker_failures = 99});
  bench.accept("event");
  for (const int minutes : {0, 30, 29}) {
    CHECK(bench.backlog.size() == 1);
    bench.gate(Gate::closed);
    bench.advance(minutes * kMinute);
    bench.upstream.forget_script();
    bench.upstream.fails(kReset, written(bench.clock));
    bench.gate(Gate::open);
  }
  CHECK(bench.dropped(DropReason::network_error) == 1);
}

TEST_CASE("which end without an answer counts against the host") {
  struct Row {
    Gate begun;
    std::int64_t held;
    bool kept_connection;
    bool at_once;  ///< as the next event is asked for
    bool at_last;
  };

  for (const auto& row : std::vector<Row>{{Gate::open, 499, false, false, true},
                                          {Gate::open, 500, false, true, true},
                                          {Gate::carried, 500, false, true, true},
                                          {Gate::open, 499, true, false, false},
                                          {Gate::early, 500, false, false, false}}) {
    CAPTURE(row.held);
    CAPTURE(static_cast<int>(row.begun));
    DeliveryBench bench({.breaker_failures = 1});
    relay::SendProgress progress;
    progress.reused_connection = row.kept_connection;
    bench.upstream.hangs(progress);
    bench.delivery.set_gate(Gate::closed);
    bench.accept("event");
    bench.gate(row.begun);
    REQUIRE(bench.upstream.hanging() == 1);
    bench.advance(row.held);
    bench.gate(Gate::late);
    CHECK(bench.stats.breaker_openings == (row.at_once ? 1 : 0));
    bench.upstream.fail(0, kReset);
    bench.settle();
    CHECK(bench.stats.breaker_openings == (row.at_last ? 1 : 0));
  }
}

TEST_CASE("a request that two holds wait for in vain is one failure") {
  DeliveryBench bench({.breaker_failures = 2});
  bench.upstream.hangs();
  bench.accept("event");
  bench.settle();
  for (int hold = 0; hold < 2; ++hold) {
    bench.advance(600);
    bench.gate(Gate::late);
    bench.gate(Gate::open);
  }
  bench.upstream.fail(0, kReset);
  bench.settle();
  CHECK(bench.stats.breaker_openings == 0);
}

TEST_CASE("what failed twice where a freeze might have been the reason was cut once") {
  DeliveryBench bench({.breaker_failures = 99});
  bench.gate(Gate::early);
  bench.upstream.fails(kRefused);
  bench.upstream.hangs();
  bench.upstream.fails(kRefused);
  bench.accept("event");
  bench.accept("event");
  bench.settle();
  bench.advance(1000);
  REQUIRE(bench.upstream.calls() == 3);
  bench.invoke();
  CHECK(bench.stats.cuts == 1);
}

TEST_CASE("what a freeze may have cut backs off anew when it fails again") {
  DeliveryBench bench({.breaker_failures = 99});
  bench.gate(Gate::early);
  for (int i = 0; i < 3; ++i) bench.upstream.fails(kRefused);
  bench.upstream.answers(503);
  bench.accept("event");
  bench.settle();
  bench.advance(1000);
  bench.advance(1500);
  REQUIRE(bench.upstream.calls() == 3);
  bench.invoke();
  CHECK(bench.upstream.calls() == 4);
  bench.advance(1000);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("what may have been cut goes again when the freeze is over, the gate as it was") {
  DeliveryBench bench;
  bench.gate(Gate::early);
  bench.upstream.fails(kRefused);
  bench.accept("event");
  bench.settle();
  bench.delivery.thawed();
  bench.settle();
  CHECK(bench.delivered() == 1);
}

TEST_SUITE_END();
