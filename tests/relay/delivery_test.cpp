// What becomes of an envelope, answer by answer.
#include "relay/delivery.hpp"

#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include "tests/relay/delivery_bench.hpp"
#include "tests/support/memory_journal.hpp"

using proto::Category;
using relay::DropReason;
using relay::Gate;
using support::DeliveryBench;
using support::envelope;
using support::written;

namespace {

const boost::system::error_code kRefused = boost::asio::error::connection_refused;

/// Large enough to be compressed.
proto::Envelope large_event(std::size_t size = 4096) {
  return support::parsed(support::envelope_text({support::item("event", std::string(size, ' '))}));
}

/// Whatever waits is in the journal alone.
struct OnDisk {
  OnDisk() { tasks.spawn(delivery.run()); }

  ~OnDisk() {
    delivery.stop();
    tasks.stop();
    settle();
    CHECK(stats.ledger.balances(backlog.waiting()));
  }

  OnDisk(const OnDisk&) = delete;
  OnDisk& operator=(const OnDisk&) = delete;

  void accept(std::string_view type, std::size_t size) {
    auto one =
        support::parsed(support::envelope_text({support::item(type, std::string(size, ' '))}));
    REQUIRE(backlog.accept(support::parcel(std::move(one)), *where, delivery.awake()));
    delivery.accepted();
  }

  void settle() { support::settle(io); }

  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  relay::Stats stats;
  support::MemoryJournal journal;
  relay::Backlog backlog{{.max_waiting = 100, .max_bytes = 0}, journal, stats};
  relay::Destinations destinations{1, relay::Compression::zstd, 3};
  relay::Destination* where = destinations.find_or_add(support::route());
  relay::Wakeup changed{io.get_executor()};
  support::ScriptedUpstream upstream{io.get_executor()};
  relay::Delivery delivery{
      io.get_executor(), {}, {clock, log, upstream, backlog, destinations, stats, changed, [] {
                                return std::uint64_t{7};
                              }}};
  relay::TaskGroup tasks{io.get_executor(), [](const std::exception_ptr&) { FAIL("a task"); }};
};

}  // namespace

TEST_SUITE_BEGIN("relay/delivery");

TEST_CASE("an answered envelope has met its fate by its status") {
  struct Row {
    unsigned status;
    std::uint64_t delivered, refused;
  };

  for (const auto& row : std::vector<Row>{{200, 1, 0},
                                          {202, 1, 0},
                                          {301, 0, 1},
                                          {400, 0, 1},
                                          {401, 0, 1},
                                          {403, 0, 1},
                                          {404, 0, 1},
                                          {413, 0, 1},
                                          {415, 0, 1},
                                          {429, 0, 1}}) {
    CAPTURE(row.status);
    DeliveryBench bench;
    bench.upstream.answers(row.status);
    bench.accept("event");
    bench.settle();
    CHECK(bench.delivered() == row.delivered);
    CHECK(bench.refused(row.status) == row.refused);
    CHECK(bench.backlog.size() == 0);
    CHECK(bench.upstream.calls() == 1);
    CHECK(bench.stats.requests == 1);
    CHECK(bench.stats.failures == 0);
  }
}

TEST_CASE("a refusal is said once for its DSN, with what to do, and without the whole key") {
  DeliveryBench bench;
  for (int i = 0; i < 3; ++i) {
    bench.upstream.answers(403);
    bench.accept("event");
    bench.settle();
  }
  REQUIRE(bench.lines.lines.size() == 1);
  CHECK(bench.lines.lines[0].find("403") != std::string::npos);
  CHECK(bench.lines.lines[0].find(support::kKey) == std::string::npos);
}

TEST_CASE("500 is tried once more after a back-off, and twice it is send_error") {
  for (const unsigned second : {500U, 200U}) {
    DeliveryBench bench;
    bench.upstream.answers(500);
    bench.upstream.answers(second);
    bench.accept("event");
    bench.settle();
    CHECK(bench.upstream.calls() == 1);
    CHECK(bench.backlog.size() == 1);
    bench.advance(999);
    CHECK(bench.upstream.calls() == 1);
    bench.advance(1);
    CHECK(bench.upstream.calls() == 2);
    CHECK(bench.dropped(DropReason::send_error) == (second == 500 ? 1 : 0));
    CHECK(bench.delivered() == (second == 200 ? 1 : 0));
    CHECK(bench.stats.retries == 1);
  }
}

TEST_CASE("502, 503, 504 and no answer at all are tried again, after pauses that grow") {
  relay::DeliverySettings settings;
  settings.breaker_failures = 9;
  DeliveryBench bench(settings);
  bench.upstream.answers(503);
  bench.upstream.answers(502);
  bench.upstream.answers(504);
  bench.upstream.fails(kRefused);
  bench.accept("event");
  bench.settle();
  for (const auto pause : {1000, 1500, 2250, 3375}) {
    CAPTURE(pause);
    const auto calls = bench.upstream.calls();
    bench.advance(pause - 1);
    CHECK(bench.upstream.calls() == calls);
    CHECK(bench.delivery.work().due == 0);
    bench.advance(1);
    CHECK(bench.upstream.calls() == calls + 1);
  }
  CHECK(bench.delivered() == 1);
  CHECK(bench.stats.failures == 1);
  CHECK(bench.stats.retries == 4);
  CHECK(bench.lines.lines.size() == 1);
}

TEST_CASE("a 429 that names categories refuses those, with dependants, and delivers the rest") {
  DeliveryBench bench;
  bench.upstream.answers(429, "60:error:organization, 5:metric_bucket:key");
  bench.accept(envelope({"event", "attachment", "session"}));
  bench.settle();
  const auto& ledger = bench.stats.ledger;
  CHECK(ledger.refused().at(429)[Category::error] == 1);
  CHECK(ledger.refused().at(429)[Category::attachment] == 1);
  CHECK(ledger.delivered()[Category::session] == 1);
  CHECK(bench.backlog.size() == 0);
}

TEST_CASE("what an older limit names was taken by a 429 that does not name it") {
  DeliveryBench bench;
  bench.upstream.hangs();
  bench.upstream.answers(200, "60:session:organization");
  bench.accept(envelope({"event", "session"}));
  bench.accept("transaction");
  bench.settle();
  REQUIRE(bench.upstream.hanging() == 1);
  bench.upstream.answer(0, 429, "60:error:organization");
  bench.settle();
  CHECK(bench.stats.ledger.delivered()[Category::session] == 1);
  CHECK(bench.refused(429) == 1);
}

TEST_CASE("a bare 429 refuses everything and limits every category for a minute or Retry-After") {
  DeliveryBench bench;
  bench.upstream.answers(429, "", "7");
  bench.accept(envelope({"event", "session"}));
  bench.settle();
  CHECK(bench.refused(429) == 2);
  bench.accept("transaction");
  bench.settle();
  CHECK(bench.dropped(DropReason::ratelimit_backoff) == 1);
  bench.advance(7000);
  bench.accept("transaction");
  bench.settle();
  CHECK(bench.delivered() == 1);
}

TEST_CASE("limits learnt on a 200 are obeyed from the next envelope on") {
  DeliveryBench bench;
  bench.upstream.answers(200, "60:session:organization");
  bench.accept("event");
  bench.settle();
  bench.accept(envelope({"event", "session"}));
  bench.accept("session");
  bench.settle();
  REQUIRE(bench.upstream.calls() == 3);
  CHECK(bench.upstream.call(1).body.find("session") == std::string::npos);
  CHECK(bench.delivered() == 2);
  CHECK(bench.dropped(DropReason::ratelimit_backoff) == 2);
  // And upstream is told of those.
  CHECK(bench.upstream.call(2).body.find(
            R"({"reason":"ratelimit_backoff","category":"session","quantity":2})") !=
        std::string::npos);
}

TEST_CASE("a limit that takes a hundred of them lets the loop have its turn in between") {
  DeliveryBench bench({.connections = 4});
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 104; ++i) bench.accept("session");
  bench.settle();
  REQUIRE(bench.upstream.hanging() == 4);
  bench.upstream.answer(0, 200, "60:session:organization");
  // One turn of the loop at a time: never all of them in one.
  std::uint64_t before = 0;
  for (int turn = 0; turn < 1000 && bench.dropped(DropReason::ratelimit_backoff) < 100; ++turn) {
    if (bench.io.stopped()) bench.io.restart();
    bench.io.poll_one();
    const auto dropped = bench.dropped(DropReason::ratelimit_backoff);
    CHECK(dropped - before <= 32);
    before = dropped;
  }
  CHECK(bench.dropped(DropReason::ratelimit_backoff) == 100);
}

TEST_CASE("what is read of those that a limit takes is bounded in one turn of the loop, too") {
  constexpr std::size_t kBytes = 1'000'000;
  OnDisk bench;
  bench.delivery.set_gate(Gate::closed);
  for (int i = 0; i < 40; ++i) bench.accept("attachment", kBytes);
  bench.settle();
  bench.where->limits.learn("60:attachment:organization", bench.clock.wall_now());
  bench.delivery.set_gate(Gate::open);
  std::size_t before = bench.journal.reads;
  for (int turn = 0; turn < 1000 && bench.backlog.size() > 0; ++turn) {
    if (bench.io.stopped()) bench.io.restart();
    bench.io.poll_one();
    // One to know its items, and again to tell upstream of them.
    CHECK(bench.journal.reads - before <= 2);
    before = bench.journal.reads;
  }
  CHECK(bench.stats.ledger.dropped(DropReason::ratelimit_backoff).total() == 40);
}

TEST_CASE("the place of an envelope that a limit took goes to the next one at once") {
  relay::DeliverySettings settings;
  settings.connections = 1;
  DeliveryBench bench(settings);
  bench.upstream.answers(200, "60:error:organization");
  bench.accept("event");
  bench.settle();
  bench.delivery.set_gate(Gate::late);
  for (int i = 0; i < 5; ++i) bench.accept("event");
  bench.accept("transaction");
  bench.gate(Gate::open);
  CHECK(bench.dropped(DropReason::ratelimit_backoff) == 5);
  CHECK(bench.delivered() == 2);
}

TEST_CASE("what a limit made less urgent leaves behind what is more urgent now") {
  relay::DeliverySettings settings;
  settings.connections = 1;
  DeliveryBench bench(settings);
  bench.upstream.answers(200, "60:error:organization");
  bench.accept("event");
  bench.settle();
  bench.delivery.set_gate(Gate::late);
  bench.accept(envelope({"event", "profile_chunk"}));
  bench.accept("transaction");
  bench.gate(Gate::open);
  REQUIRE(bench.upstream.calls() >= 2);
  CHECK(bench.upstream.call(1).body.find("transaction") != std::string::npos);
  CHECK(bench.delivered() == 3);
}

TEST_CASE("415 to zstd sends the same once more with gzip, and the host gets gzip from then on") {
  DeliveryBench bench;
  bench.upstream.answers(415);
  bench.accept(large_event());
  bench.settle();
  REQUIRE(bench.upstream.calls() == 2);
  CHECK(bench.upstream.call(0).header("Content-Encoding") == "zstd");
  CHECK(bench.upstream.call(1).header("Content-Encoding") == "gzip");
  CHECK(bench.upstream.call(1).decoded() == bench.upstream.call(0).decoded());
  CHECK(bench.delivered() == 1);
  // Another project that was not known yet, and another host.
  bench.accept(large_event(), "up.example", 43);
  bench.accept(large_event(), "other.example", 42);
  bench.settle();
  CHECK(bench.upstream.call(2).header("Content-Encoding") == "gzip");
  CHECK(bench.upstream.call(3).header("Content-Encoding") == "zstd");
}

TEST_CASE("415 to gzip is a refusal") {
  DeliveryBench bench;
  bench.upstream.answers(415);
  bench.upstream.answers(415);
  bench.accept(large_event());
  bench.settle();
  CHECK(bench.upstream.calls() == 2);
  CHECK(bench.refused(415) == 1);
}

TEST_CASE("a request without an answer ends at its deadline and is sent again later") {
  DeliveryBench bench;
  bench.upstream.hangs();
  bench.accept("event");
  bench.settle();
  bench.advance(4999);
  CHECK(bench.upstream.hanging() == 1);
  bench.advance(1);
  CHECK(bench.upstream.hanging() == 0);
  CHECK(bench.stats.failures == 1);
  CHECK(bench.stats.cuts == 0);
  CHECK(bench.delivery.work().due == 0);
  bench.advance(1000);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("per host as many requests at once as allowed; hosts do not wait for each other") {
  relay::DeliverySettings settings;
  settings.connections = 2;
  DeliveryBench bench(settings);
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 3; ++i) bench.accept("event");
  bench.accept(envelope({"event"}), "up.example", 43);
  bench.settle();
  CHECK(bench.upstream.hanging() == 2);
  bench.accept(envelope({"event"}), "other.example");
  bench.settle();
  CHECK(bench.upstream.hanging() == 3);
  CHECK(bench.delivery.work().in_flight == 3);
  bench.upstream.answer(0, 200);
  bench.settle();
  CHECK(bench.upstream.calls() == 4);
  CHECK(bench.delivery.work().due == 1);
}

TEST_CASE("the urgent leave before the rest, and within that the old before the new") {
  relay::DeliverySettings settings;
  settings.connections = 1;
  DeliveryBench bench(settings);
  bench.upstream.hangs();
  bench.accept("event");
  bench.settle();
  bench.accept("transaction");
  bench.accept("feedback");
  bench.accept("event");
  bench.upstream.answer(0, 200);
  bench.settle();
  std::string order;
  for (std::size_t i = 1; i < bench.upstream.calls(); ++i) {
    const auto text = bench.upstream.call(i).decoded();
    const auto type = text.find("\"type\":\"") + 8;
    order += text.substr(type, text.find('"', type) - type) + " ";
  }
  CHECK(order == "feedback event transaction ");
}

TEST_CASE("check-ins of one DSN leave one at a time, also through a back-off") {
  DeliveryBench bench;
  bench.upstream.answers(503);
  bench.accept("check_in");
  bench.accept("check_in");
  bench.settle();
  CHECK(bench.upstream.calls() == 1);
  CHECK(bench.delivery.work().due == 0);
  bench.advance(1000);
  CHECK(bench.upstream.calls() == 3);
  CHECK(bench.delivered() == 2);
}

TEST_CASE("a kept connection that had died is no failure of the upstream: again at once") {
  DeliveryBench bench;
  relay::SendProgress progress;
  progress.reused_connection = true;
  bench.upstream.fails(boost::asio::error::connection_reset, progress);
  bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.calls() == 2);
  CHECK(bench.delivered() == 1);
  CHECK(bench.lines.lines.empty());
}

TEST_CASE(
    "after a full write events are sent again for an hour, others once, then they are "
    "network_error") {
  struct Row {
    std::string_view type;
    std::size_t sends;
    int seconds;  ///< 1, 2, 4 … 60 s apart once three have opened the breaker
  };

  for (const auto& row : std::vector<Row>{
           {"event", 65, 3426}, {"transaction", 65, 3426}, {"session", 2, 1}, {"check_in", 2, 1}}) {
    CAPTURE(row.type);
    DeliveryBench bench;
    for (int i = 0; i < 100; ++i) {
      bench.upstream.fails(boost::asio::error::connection_reset, written(bench.clock));
    }
    bench.accept(row.type);
    bench.settle();
    int seconds = 0;
    for (; seconds < 9999 && bench.backlog.size() > 0; ++seconds) bench.advance(1000);
    CHECK(seconds == row.seconds);
    CHECK(bench.upstream.calls() == row.sends);
    CHECK(bench.stats.possible_duplicates == row.sends - 1);
    CHECK(bench.dropped(DropReason::network_error) == 1);
    CHECK(bench.backlog.size() == 0);
  }
}

TEST_CASE("what a limit left of an event is sent no more often than others are") {
  DeliveryBench bench;
  for (int i = 0; i < 2; ++i) {
    bench.upstream.fails(boost::asio::error::connection_reset, written(bench.clock));
  }
  bench.accept(envelope({"event", "session"}));
  bench.settle();
  bench.advance(1000);
  REQUIRE(bench.upstream.calls() == 2);
  bench.upstream.answers(200, "60:error:organization");
  bench.accept("transaction");
  bench.settle();
  bench.advance(5000);
  CHECK(bench.upstream.calls() == 3);
  CHECK(bench.dropped(DropReason::ratelimit_backoff) == 1);
  CHECK(bench.dropped(DropReason::network_error) == 1);
}

TEST_CASE("what was never fully written is sent again as often as it takes") {
  DeliveryBench bench;
  for (int i = 0; i < 8; ++i) bench.upstream.fails(kRefused);
  bench.accept("session");
  bench.settle();
  for (int i = 0; i < 120; ++i) bench.advance(1000);
  CHECK(bench.upstream.calls() == 9);
  CHECK(bench.delivered() == 1);
  CHECK(bench.stats.possible_duplicates == 0);
}

TEST_CASE(
    "a try that gets no connection is no possible duplicate, and none of its bytes have left") {
  DeliveryBench bench;
  bench.upstream.fails(boost::asio::error::connection_reset, written(bench.clock));
  for (int i = 0; i < 3; ++i) bench.upstream.fails(kRefused);
  bench.accept("event");
  bench.settle();
  for (int i = 0; i < 20; ++i) bench.advance(1000);
  REQUIRE(bench.upstream.calls() == 5);
  CHECK(bench.delivered() == 1);
  CHECK(bench.stats.retries == 4);
  CHECK(bench.stats.possible_duplicates == 1);
  CHECK(bench.stats.bytes_out == bench.upstream.call(0).body.size() * 2);
}

TEST_CASE("draining ignores a back-off but for a short pause") {
  relay::DeliverySettings settings;
  settings.breaker_failures = 9;
  DeliveryBench bench(settings);
  for (int i = 0; i < 3; ++i) bench.upstream.fails(kRefused);
  bench.accept("event");
  bench.settle();
  bench.advance(10);
  CHECK(bench.upstream.calls() == 1);
  bench.gate(Gate::draining);
  bench.advance(89);
  CHECK(bench.upstream.calls() == 1);
  bench.advance(1);
  CHECK(bench.upstream.calls() == 2);
  bench.advance(100);
  bench.advance(100);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("the first byte of a request warms the road it is likely to take, but not in a gap") {
  DeliveryBench bench;
  bench.delivery.expect_one();
  CHECK(bench.upstream.warmed() == 0);
  bench.accept("event");
  bench.settle();
  bench.delivery.expect_one();
  CHECK(bench.upstream.warmed() == 1);
  bench.gate(Gate::late);
  bench.delivery.expect_one();
  CHECK(bench.upstream.warmed() == 1);
}

TEST_CASE("stopped in the middle, everything still waits and is accounted for") {
  DeliveryBench bench({.connections = 4});
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 6; ++i) bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.hanging() == 4);
  bench.stop();
  CHECK(bench.upstream.hanging() == 0);
  CHECK(bench.backlog.size() == 6);
  CHECK(bench.delivery.work().in_flight == 0);
  CHECK(bench.stats.task_failures == 0);
  CHECK(bench.lines.lines.empty());
}

TEST_CASE("stopped, it does not begin what waits in vain") {
  DeliveryBench bench({.connections = 4});
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 6; ++i) bench.accept("event");
  bench.settle();
  bench.delivery.stop();
  bench.settle();
  CHECK(bench.backlog.find(5)->failures == 0);
  CHECK(bench.backlog.find(6)->failures == 0);
}

TEST_CASE("no road is warmed while every place on it is taken") {
  DeliveryBench bench({.connections = 4});
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 4; ++i) bench.accept("event");
  bench.settle();
  REQUIRE(bench.upstream.hanging() == 4);
  bench.delivery.expect_one();
  CHECK(bench.upstream.warmed() == 0);
  bench.upstream.answer(0, 200);
  bench.settle();
  bench.delivery.expect_one();
  CHECK(bench.upstream.warmed() == 1);
}

TEST_CASE("stopped before its task had begun, an envelope still waits and holds no place") {
  DeliveryBench bench;
  bench.delivery.stop();
  bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.calls() == 0);
  CHECK(bench.delivery.work().in_flight == 0);
  CHECK(bench.backlog.size() == 1);
}

TEST_CASE("an envelope that met its fate while it was on its way stays settled") {
  DeliveryBench bench;
  bench.upstream.hangs();
  bench.accept("event");
  bench.settle();
  bench.backlog.drop_all(DropReason::network_error);
  bench.upstream.answer(0, 200);
  bench.settle();
  CHECK(bench.delivered() == 0);
  CHECK(bench.dropped(DropReason::network_error) == 1);
}

TEST_CASE("a small event does not wait for a large one to be compressed") {
  DeliveryBench bench;
  bench.accept(large_event(8UL * 1024 * 1024));
  for (int i = 0; i < 4; ++i) bench.io.poll_one();
  REQUIRE(bench.delivery.work().in_flight == 1);
  bench.accept("transaction");
  bench.settle();
  REQUIRE(bench.upstream.calls() == 2);
  CHECK(bench.upstream.call(0).body.size() < 1000);
  CHECK(bench.upstream.call(1).decoded().size() > 8UL * 1024 * 1024);
  CHECK(bench.delivered() == 2);
  CHECK(bench.stats.bytes_out ==
        bench.upstream.call(0).body.size() + bench.upstream.call(1).body.size());
}

TEST_CASE("the end does not wait for a large one to be compressed, and it was not tried") {
  DeliveryBench bench;
  const auto id = bench.accept(large_event(14UL * 1024 * 1024));
  for (int i = 0; i < 8; ++i) bench.io.poll_one();
  REQUIRE(bench.delivery.work().in_flight == 1);
  bench.delivery.stop();
  for (int i = 0; i < 4; ++i) bench.io.poll_one();
  CHECK(bench.delivery.work().in_flight == 0);
  CHECK(bench.upstream.calls() == 0);
  CHECK(bench.stats.requests == 0);
  REQUIRE(bench.backlog.find(id) != nullptr);
  CHECK_FALSE(bench.backlog.find(id)->in_flight);
  CHECK(bench.backlog.find(id)->tries == 0);
}

TEST_CASE("an exception of the upstream's is counted, and the envelope is tried again later") {
  DeliveryBench bench;
  bench.upstream.throws();
  bench.accept("event");
  bench.settle();
  CHECK(bench.upstream.calls() == 1);
  CHECK(bench.stats.task_failures == 1);
  CHECK(bench.delivery.work().in_flight == 0);
  CHECK(bench.backlog.size() == 1);
  bench.advance(1000);
  CHECK(bench.delivered() == 1);
}

TEST_CASE("a full write counts, whatever exception comes behind it") {
  DeliveryBench bench;
  for (int i = 0; i < 3; ++i) bench.upstream.throws(written(bench.clock));
  bench.accept("session");
  bench.settle();
  for (int i = 0; i < 20; ++i) bench.advance(1000);
  CHECK(bench.upstream.calls() == 2);
  CHECK(bench.dropped(DropReason::network_error) == 1);
}

TEST_CASE("with ten thousand waiting and no place free, one more is not looked at") {
  relay::DeliverySettings settings;
  settings.connections = 1;
  DeliveryBench bench(settings);
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 9'999; ++i) bench.accept("transaction");
  bench.settle();
  CHECK(bench.upstream.calls() == 1);
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 1'000; ++i) {
    bench.delivery.accepted();
    bench.settle();
  }
  // A look at everything takes milliseconds, a look that stops at once microseconds.
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(1));
}

TEST_SUITE_END();
