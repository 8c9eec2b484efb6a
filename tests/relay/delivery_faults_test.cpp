// Upstreams that stay wrong for long, on simulated time: what they cost, and that nothing vanishes.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "relay/retry_policy.hpp"
#include "tests/relay/delivery_bench.hpp"

using relay::DropReason;
using relay::Gate;
using relay::milliseconds;
using support::DeliveryBench;
using support::written;

namespace {

constexpr milliseconds kHour{3'600'000};
constexpr std::size_t kMinutes = 10;

/// One item, which `mark` tells from all others.
proto::Envelope marked(std::string_view type, const std::string& mark) {
  return support::parsed(support::envelope_text({support::item(type, '"' + mark + '"')}));
}

std::size_t sends_of(const DeliveryBench& bench, const std::string& mark) {
  std::size_t sends = 0;
  for (std::size_t i = 0; i < bench.upstream.calls(); ++i) {
    if (bench.upstream.call(i).decoded().find('"' + mark + '"') != std::string::npos) ++sends;
  }
  return sends;
}

}  // namespace

TEST_SUITE_BEGIN("relay/delivery_faults");

TEST_CASE("ten minutes of 502 to 504: some tries and 14 probes, and nothing is lost") {
  // One on each connection opens the breaker; probes follow after 1, 3, 7, 15, 31, 63, 123 … 543 s.
  constexpr std::size_t kRequests = 4 + 14;
  for (const unsigned status : {502U, 503U, 504U}) {
    CAPTURE(status);
    DeliveryBench bench({.connections = 4});
    for (std::size_t i = 0; i < kRequests; ++i) bench.upstream.answers(status);
    std::size_t accepted = 0;
    for (; accepted < 100; ++accepted) bench.accept(accepted % 3 == 0 ? "event" : "session");
    bench.settle();
    for (std::size_t second = 0; second < kMinutes * 60; ++second) {
      bench.advance(1000);
      if (second % 10 != 0) continue;
      bench.accept("transaction");
      ++accepted;
    }
    CHECK(bench.upstream.calls() == kRequests);
    CHECK(bench.backlog.size() == accepted);
    bench.advance(3000);
    CHECK(bench.delivered() == accepted);
  }
}

TEST_CASE("ten minutes of 500: two tries of each, then it is counted as send_error") {
  constexpr std::size_t kEnvelopes = kMinutes * 6;
  DeliveryBench bench;
  for (std::size_t i = 0; i < 2 * kEnvelopes; ++i) bench.upstream.answers(500);
  for (std::size_t i = 0; i < kEnvelopes; ++i) {
    bench.accept("event");
    for (int second = 0; second < 10; ++second) bench.advance(1000);
  }
  CHECK(bench.upstream.calls() == 2 * kEnvelopes);
  CHECK(bench.dropped(DropReason::send_error) == kEnvelopes);
  CHECK(bench.backlog.size() == 0);
}

TEST_CASE("slower than hold and function in each invoke: nothing is fully written once too often") {
  struct Row {
    std::string type;
    bool deduplicated;
  };

  constexpr int kInvokes = 5;
  for (const bool steady_moves : {false, true}) {
    CAPTURE(steady_moves);
    relay::DeliverySettings settings;
    settings.breaker_failures = 1000;  // closed, the host gets all that the limits let through
    DeliveryBench bench(settings);
    const std::vector<Row> rows{
        {"event", true}, {"transaction", true}, {"session", false}, {"check_in", false}};
    for (int invoke = 0; invoke < kInvokes + 10; ++invoke) {
      for (int i = 0; i < 20; ++i) bench.upstream.hangs(written(bench.clock));
      bench.invoke();
      if (invoke < kInvokes) {
        for (const auto& row : rows) {
          bench.accept(marked(row.type, row.type + std::to_string(invoke)));
        }
      }
      bench.advance(1200);  // the function, and the whole budget
      bench.gate(Gate::late);
      bench.clock.freeze(steady_moves ? kHour : milliseconds{0}, kHour);
      bench.settle();
    }
    for (const auto& row : rows) {
      for (int invoke = 0; invoke < kInvokes; ++invoke) {
        const std::string mark = row.type + std::to_string(invoke);
        CAPTURE(mark);
        // Of an event upstream knows nothing after the hour.
        CHECK(sends_of(bench, mark) == (row.deduplicated ? 3 : 2));
      }
    }
    CHECK(bench.dropped(DropReason::network_error) == kInvokes * rows.size());
  }
}

TEST_CASE("a clock that steps an hour across a freeze delays nothing by more than a pause") {
  for (const bool steady_moves : {false, true}) {
    for (const milliseconds step : {kHour, -kHour}) {
      CAPTURE(steady_moves);
      CAPTURE(step.count());
      DeliveryBench bench;
      bench.upstream.hangs(written(bench.clock));
      bench.upstream.answers(503);
      bench.accept("event");    // cut
      bench.accept("session");  // backs off
      bench.settle();
      bench.gate(Gate::late);
      bench.clock.freeze(steady_moves ? kHour : milliseconds{0}, step);
      bench.settle();
      bench.invoke();
      bench.stay_awake(1100, 100);
      CHECK(bench.delivered() == 2);
      CHECK(bench.upstream.calls() == 4);
      CHECK(bench.stats.cuts == 1);
    }
  }
}

TEST_SUITE_END();
