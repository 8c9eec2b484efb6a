// The sending side and hosts that do not answer: the breaker at work, and losses told upstream.
#include <map>
#include <string>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include "tests/relay/delivery_bench.hpp"

using relay::Gate;
using support::DeliveryBench;
using support::envelope;
using support::written;

namespace {

const boost::system::error_code kRefused = boost::asio::error::connection_refused;
const boost::system::error_code kReset = boost::asio::error::connection_reset;

/// Three envelopes have failed: the breaker of their host is open.
struct DownBench : DeliveryBench {
  DownBench() {
    for (int i = 0; i < 3; ++i) upstream.fails(kRefused);
    for (int i = 0; i < 3; ++i) accept("event");
    settle();
    REQUIRE(upstream.calls() == 3);
    REQUIRE(stats.breaker_openings == 1);
  }
};

/// Its only envelope has its three failures.
void fail_until_open(DeliveryBench& bench) {
  bench.settle();
  bench.advance(1000);
  bench.advance(1500);
  REQUIRE(bench.stats.breaker_openings == 1);
}

}  // namespace

TEST_SUITE_BEGIN("relay/delivery_breaker");

TEST_CASE("one failure below the threshold opens nothing; at it nothing is due any more") {
  for (const int failures : {2, 3}) {
    CAPTURE(failures);
    DeliveryBench bench;
    for (int i = 0; i < failures; ++i) bench.upstream.fails(kRefused);
    for (int i = 0; i < failures; ++i) bench.accept("event");
    bench.settle();
    bench.upstream.otherwise_hangs = true;
    bench.accept("event");
    bench.settle();
    CHECK(bench.upstream.hanging() == (failures == 2 ? 1 : 0));
    CHECK(bench.delivery.work().none() == (failures == 3));
  }
}

TEST_CASE("answers of 502 to 504 open it, any other answer in between closes it") {
  DeliveryBench bench;
  for (const unsigned status : {503U, 504U, 400U, 502U, 503U}) bench.upstream.answers(status);
  for (int i = 0; i < 5; ++i) {
    bench.accept("event");
    bench.settle();
  }
  CHECK(bench.stats.breaker_openings == 0);
  bench.upstream.answers(502);
  bench.accept("event");
  bench.settle();
  CHECK(bench.stats.breaker_openings == 1);
}

TEST_CASE("probes: one envelope at a time, 1, 2, 4 … 60 s apart, counted as no other work") {
  DownBench bench;
  const auto calls = bench.upstream.calls();
  std::size_t probes = 0;
  for (const int pause : {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000}) {
    CAPTURE(pause);
    bench.upstream.hangs();
    bench.advance(pause - 1);
    CHECK(bench.upstream.calls() == calls + probes);
    bench.advance(1);
    ++probes;
    CHECK(bench.upstream.calls() == calls + probes);
    CHECK(bench.delivery.work().probes == 1);
    CHECK(bench.delivery.work().at_most_probes());
    bench.upstream.fail(bench.upstream.calls() - 1, kRefused);
    bench.settle();
    CHECK(bench.delivery.work().none());
  }
  CHECK(bench.stats.probes == probes);
}

TEST_CASE("the most urgent is the probe, whatever its own back-off says") {
  DownBench bench;
  bench.accept("transaction");
  bench.accept("session");
  bench.upstream.hangs();
  bench.advance(1000);
  REQUIRE(bench.upstream.hanging() == 1);
  CHECK(bench.upstream.call(3).decoded().find(R"("type":"event")") != std::string::npos);
  bench.upstream.answer(3, 200);
  bench.settle();
}

TEST_CASE("a host that resets every request whole for half an hour costs no event") {
  DeliveryBench bench;
  for (int i = 0; i < 100; ++i) bench.upstream.fails(kReset, written(bench.clock));
  bench.accept("event");
  for (int second = 0; second < 1800; ++second) bench.advance(1000);
  CHECK(bench.backlog.size() == 1);
  CHECK(bench.upstream.calls() < 40);
  bench.upstream.forget_script();
  bench.advance(60'000);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("who asks is who can best spare a write: in turns, and what must not be repeated last") {
  DownBench bench;
  bench.accept("session");
  for (int probe = 1; probe <= 7; ++probe) {
    bench.upstream.fails(kReset, written(bench.clock));
    bench.advance(60'000);
  }
  std::map<std::uint64_t, unsigned> written;
  bench.backlog.each_in_order([&](const relay::Entry& entry) {
    written[entry.id] = entry.full_writes;
    return true;
  });
  CHECK(written == std::map<std::uint64_t, unsigned>{{1, 3}, {2, 2}, {3, 2}, {4, 0}});
}

TEST_CASE("one that can spare a write asks before what is more urgent and must not be repeated") {
  DeliveryBench bench;
  for (int i = 0; i < 3; ++i) bench.upstream.fails(kRefused);
  bench.accept("feedback");
  fail_until_open(bench);
  bench.accept("transaction");
  bench.advance(1000);
  CHECK(bench.upstream.call(3).decoded().find(R"("type":"transaction")") != std::string::npos);
}

TEST_CASE("one that brings its host down holds up no other") {
  DeliveryBench bench;
  for (int i = 0; i < 4; ++i) bench.upstream.fails(kReset, written(bench.clock));
  bench.accept("event");
  fail_until_open(bench);
  bench.accept("transaction");
  bench.upstream.forget_script();
  bench.upstream.hangs();
  bench.advance(1000);
  REQUIRE(bench.upstream.hanging() == 1);
  CHECK(bench.upstream.call(3).decoded().find(R"("type":"transaction")") != std::string::npos);
  bench.upstream.answer(3, 200);
  bench.settle();
}

TEST_CASE("the first success closes it, and nobody waits any longer") {
  DownBench bench;
  bench.accept("transaction");
  bench.advance(1000);
  CHECK(bench.delivered() == 4);
  CHECK(bench.stats.probes == 1);
}

TEST_CASE("a success lets go what waits for its host, and nothing else") {
  DeliveryBench bench({.breaker_failures = 4});
  for (int i = 0; i < 4; ++i) bench.upstream.fails(kRefused);
  for (int i = 0; i < 2; ++i) bench.accept("event");
  bench.settle();
  bench.advance(1000);
  REQUIRE(bench.stats.breaker_openings == 1);
  bench.advance(500);
  bench.upstream.fails(kRefused);
  bench.accept(envelope({"event"}), "other.example", 7);
  bench.settle();
  // One is the probe; the other and that of the other host have 500 ms to wait.
  bench.advance(500);
  CHECK(bench.delivered() == 2);
  bench.advance(500);
  CHECK(bench.delivered() == 3);
}

TEST_CASE("what waits for a host that is down is one probe's work, when that is due") {
  DownBench bench;
  REQUIRE(bench.destinations.find_or_add(support::route("other.example")) != nullptr);
  bench.gate(Gate::closed);
  bench.advance(999);
  CHECK(bench.delivery.work().none());
  bench.advance(1);
  CHECK(bench.delivery.work().probes == 1);
  CHECK(bench.delivery.work().due == 0);
}

TEST_CASE("no road is warmed to a host that is left alone") {
  DownBench bench;
  bench.destinations.use(*bench.destinations.all().front());
  bench.delivery.expect_one();
  CHECK(bench.upstream.warmed() == 0);
}

TEST_CASE("the end is not hopeless while one that waits has not been tried") {
  DownBench bench;
  for (int i = 0; i < 4; ++i) bench.upstream.fails(kRefused);
  bench.accept("transaction");
  bench.gate(Gate::draining);
  bench.advance(100);
  REQUIRE(bench.delivery.hopeless());
  // For another host, in the middle of them: urgent, and new.
  auto* other = bench.destinations.find_or_add(support::route("other.example"));
  REQUIRE(bench.backlog.accept(support::parcel(envelope({"event"})), *other, {}));
  CHECK_FALSE(bench.delivery.hopeless());
}

TEST_CASE("failures of what was under way as it opened do not open it again") {
  DeliveryBench bench({.breaker_failures = 1});
  for (int i = 0; i < 3; ++i) bench.upstream.hangs();
  for (int i = 0; i < 3; ++i) bench.accept("event");
  bench.settle();
  for (std::size_t i = 0; i < 3; ++i) bench.upstream.fail(i, kRefused);
  bench.settle();
  CHECK(bench.stats.breaker_openings == 1);
}

TEST_CASE("a probe on its way is the only one, however long its answer takes") {
  DownBench bench;
  bench.upstream.otherwise_hangs = true;
  bench.advance(1000);
  bench.advance(2500);
  CHECK(bench.upstream.hanging() == 1);
  CHECK(bench.delivery.work().probes == 1);
}

TEST_CASE("a host that limits us is not down") {
  DeliveryBench bench({.breaker_failures = 1});
  bench.upstream.answers(429, "60:error:organization");
  bench.accept("event");
  bench.settle();
  CHECK(bench.stats.breaker_openings == 0);
}

TEST_CASE("a host that does not answer holds up no other") {
  DownBench bench;
  bench.accept(envelope({"event"}), "other.example", 7);
  bench.settle();
  CHECK(bench.delivered() == 1);
}

TEST_CASE("at the end it is ignored: one try of each, urgent first, and then no more") {
  DownBench bench;
  for (int i = 0; i < 9; ++i) bench.upstream.fails(kRefused);
  bench.accept("transaction");
  CHECK_FALSE(bench.delivery.hopeless());
  bench.gate(Gate::draining);
  for (int i = 0; i < 10; ++i) bench.advance(100);
  CHECK(bench.upstream.calls() == 3 + 4);
  CHECK(bench.delivery.hopeless());
  CHECK(bench.backlog.size() == 4);
  CHECK(bench.stats.probes == 0);
}

TEST_CASE("at a second end each has its try again") {
  DownBench bench;
  for (int i = 0; i < 9; ++i) bench.upstream.fails(kRefused);
  for (unsigned end = 1; end <= 2; ++end) {
    bench.gate(Gate::draining);
    bench.advance(100);
    CHECK(bench.upstream.calls() == 3 + 3 * end);
    CHECK(bench.delivery.hopeless());
    // The same end, said again, is no other.
    bench.gate(Gate::draining);
    bench.advance(100);
    CHECK(bench.upstream.calls() == 3 + 3 * end);
    CHECK(bench.delivery.work().none());
    bench.gate(Gate::closed);
  }
  // And where it was none after all, they are probes again.
  bench.gate(Gate::open);
  bench.advance(1000);
  CHECK(bench.stats.probes == 1);
}

TEST_CASE("a cut is no failure, but a request that had a whole hold and no answer is") {
  for (const bool held : {false, true}) {
    CAPTURE(held);
    DeliveryBench bench;
    bench.upstream.otherwise_hangs = true;
    for (int round = 0; round < 3; ++round) {
      bench.gate(held ? Gate::open : Gate::late);
      bench.accept("event");
      bench.settle();
      if (held) bench.gate(Gate::late);
      bench.clock.freeze(relay::milliseconds{0}, relay::milliseconds{60000});
      bench.delivery.thawed();
      bench.advance(30);
    }
    CHECK(bench.stats.cuts >= 3);
    CHECK(bench.stats.breaker_openings == (held ? 1 : 0));
  }
}

TEST_CASE("losses are told behind the next envelope that gets through, at most every 30 s") {
  DeliveryBench bench;
  bench.upstream.answers(400);
  bench.accept("event");
  bench.settle();
  bench.accept("session");
  bench.settle();
  REQUIRE(bench.upstream.calls() == 3);
  const auto& report = bench.upstream.call(2);
  CHECK(report.request.on_live_connection);
  CHECK(report.body.find(R"({"reason":"send_error","category":"error","quantity":1})") !=
        std::string::npos);
  CHECK(bench.stats.reports_sent == 1);

  bench.upstream.answers(400);
  bench.accept("event");
  bench.settle();
  bench.advance(29'999);
  bench.accept("session");
  bench.settle();
  CHECK(bench.stats.reports_sent == 1);
  bench.advance(1);
  bench.accept("session");
  bench.settle();
  CHECK(bench.stats.reports_sent == 2);
}

TEST_CASE("a clock that steps back an hour delays a report by 30 s, not by the hour") {
  DeliveryBench bench;
  for (int reports = 1; reports <= 2; ++reports) {
    bench.upstream.answers(400);
    bench.accept("event");
    bench.accept("session");
    bench.settle();
    if (reports == 1) bench.clock.freeze(relay::milliseconds{0}, -relay::milliseconds{3'600'000});
  }
  CHECK(bench.stats.reports_sent == 1);
  bench.advance(30'000);
  bench.accept("session");
  bench.settle();
  CHECK(bench.stats.reports_sent == 2);
}

TEST_CASE("upstream's own limits are not told: it has counted them") {
  DeliveryBench bench;
  bench.upstream.answers(429, "60:error:key");
  bench.accept("event");
  bench.settle();
  bench.accept("session");
  bench.settle();
  CHECK(bench.upstream.calls() == 2);
}

TEST_CASE("a report is nobody's work, and given up when a freeze may come") {
  for (const bool written : {false, true}) {
    CAPTURE(written);
    DeliveryBench bench;
    bench.upstream.answers(400);
    bench.accept("event");
    bench.settle();
    bench.upstream.answers(200);
    bench.upstream.hangs({.fully_written = written});
    bench.accept("session");
    bench.settle();
    REQUIRE(bench.upstream.hanging() == 1);
    CHECK(bench.delivery.work().none());
    bench.gate(Gate::late);
    CHECK(bench.upstream.hanging() == 0);
    // Better untold than told twice.
    CHECK(bench.destinations.all().front()->losses.empty() == written);
    bench.gate(Gate::open);
    bench.advance(30'000);
    bench.accept("session");
    bench.settle();
    CHECK(bench.stats.reports_sent == (written ? 0 : 1));
  }
}

TEST_CASE("what is still untold at the end is told then, if there is a connection") {
  DeliveryBench bench;
  bench.upstream.answers(400);
  bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.calls() == 1);
  bench.gate(Gate::draining);
  bench.tasks.spawn(bench.delivery.report_losses(bench.clock.now() + relay::milliseconds{500}));
  bench.settle();
  CHECK(bench.stats.reports_sent == 1);
}

TEST_CASE("a report that upstream does not take is told again") {
  for (const unsigned status : {503U, 429U}) {
    DeliveryBench bench;
    bench.upstream.answers(400);
    bench.accept("event");
    bench.settle();
    bench.upstream.answers(200);
    bench.upstream.answers(status);
    bench.accept("session");
    bench.settle();
    CHECK(bench.stats.reports_sent == 0);
    CHECK_FALSE(bench.destinations.all().front()->losses.empty());
  }
}

TEST_CASE("bodies on their way together stay below the limit; one may always go") {
  relay::DeliverySettings settings;
  const std::size_t size = support::envelope_text({support::item("event")}).size();
  for (const auto& [limit, together] : {std::pair<std::size_t, std::size_t>{2 * size - 1, 1},
                                        {2 * size, 2},
                                        {2 * size + 1, 2},
                                        {1, 1}}) {
    CAPTURE(limit);
    settings.max_bytes = limit;
    DeliveryBench bench(settings);
    bench.upstream.otherwise_hangs = true;
    for (int i = 0; i < 3; ++i) bench.accept("event");
    bench.settle();
    CHECK(bench.upstream.hanging() == together);
    bench.upstream.answer(0, 200);
    bench.settle();
    CHECK(bench.upstream.hanging() == together);
  }
}

TEST_CASE("who could have asked, but another can spare it better, takes no room from other hosts") {
  relay::DeliverySettings settings;
  settings.max_bytes = 5000;
  DeliveryBench bench(settings);
  const auto large = [] {
    return support::parsed(
        support::envelope_text({support::item("event", '"' + std::string(4000, 'x') + '"')}));
  };
  for (int i = 0; i < 3; ++i) bench.upstream.fails(kReset, written(bench.clock));
  bench.accept(large());
  fail_until_open(bench);
  bench.gate(Gate::closed);
  bench.accept("event");
  bench.accept(large(), "other.example");
  bench.advance(1000);
  bench.upstream.otherwise_hangs = true;
  bench.gate(Gate::open);
  CHECK(bench.upstream.hanging() == 2);
}

TEST_CASE("a large probe has its room among what another host is sent") {
  relay::DeliverySettings settings;
  settings.max_bytes = 5000;
  DeliveryBench bench(settings);
  const auto of_size = [](std::size_t bytes) {
    return support::parsed(
        support::envelope_text({support::item("event", '"' + std::string(bytes, 'x') + '"')}));
  };
  for (int i = 0; i < 3; ++i) bench.upstream.fails(kRefused);
  bench.accept(of_size(4000));
  fail_until_open(bench);
  bench.gate(Gate::closed);
  for (int i = 0; i < 4; ++i) bench.accept(of_size(2000), "other.example");
  bench.advance(1000);
  bench.upstream.otherwise_hangs = true;
  bench.gate(Gate::open);
  REQUIRE(bench.upstream.hanging() == 1);
  CHECK(bench.upstream.call(3).request.endpoint.host == "up.example");
}

TEST_SUITE_END();
