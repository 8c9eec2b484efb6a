// Large bodies, some a turn of the loop: what runs in between, and what may become of them.
#include "relay/composer.hpp"

#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "proto/codec.hpp"
#include "relay/destinations.hpp"
#include "relay/disk.hpp"
#include "relay/spool_journal.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_folder.hpp"

using relay::Composer;
using relay::DropReason;
using relay::milliseconds;

namespace {

constexpr std::size_t kMiB = 1024UL * 1024;
constexpr milliseconds kLimit{5000};

struct Bench {
  explicit Bench(relay::BacklogSettings settings = {}) : backlog(settings, journal, stats) {}

  ~Bench() { CHECK(stats.ledger.balances(backlog.waiting())); }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  /// Returns its id.
  std::uint64_t accept(std::size_t size, std::string_view type = "event") {
    payload = support::noise(size);
    const auto text = support::envelope_text({support::item(type, payload)});
    REQUIRE(backlog.accept(support::parcel(support::parsed(text)), *where, {}));
    return backlog.next_id() - 1;
  }

  support::Started<Composer::Composed> start(std::uint64_t id) {
    return {io, composer.compose_large(id, kLimit)};
  }

  /// One handler of the loop.
  void turn() {
    if (io.stopped()) io.restart();
    io.poll_one();
  }

  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::MemoryJournal journal;
  relay::Stats stats;
  relay::Backlog backlog;
  relay::Destinations destinations{1, relay::Compression::zstd, 3};
  relay::Destination* where = destinations.find_or_add(support::route());
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  relay::Judge judge{clock, log, backlog, stats, [] { return std::uint64_t{7}; }};
  Composer composer{io.get_executor(), clock, backlog, judge};
  std::string payload;  ///< of the last one
};

/// The same with a journal on the disk, and no memory.
struct OnDisk {
  explicit OnDisk(Bench& bench_in) : bench(bench_in) {}

  void accept(std::initializer_list<std::string> items) {
    auto envelope = support::parsed(support::envelope_text(items));
    REQUIRE(backlog.accept(support::parcel(std::move(envelope)), *bench.where, {}));
  }

  std::uint64_t dropped(proto::Category category) const {
    return stats.ledger.dropped(DropReason::ratelimit_backoff)[category];
  }

  Bench& bench;
  support::TempFolder temp;
  relay::SystemDisk disk;
  relay::SpoolJournal spool{{temp.path("spool")}, disk, bench.clock, bench.log};
  relay::Stats stats;
  relay::Backlog backlog{{.max_waiting = 9, .max_bytes = 0}, spool, stats};
  relay::Judge judge{bench.clock, bench.log, backlog, stats, [] { return std::uint64_t{7}; }};
  Composer composer{bench.io.get_executor(), bench.clock, backlog, judge};
};

bool holds(const Composer::Composed& composed, std::string_view payload) {
  REQUIRE(composed != nullptr);
  CHECK(composed->zstd);
  const auto body = proto::decode(proto::Encoding::zstd,
                                  proto::Bytes::copy_of(composed->request.body), 64 * kMiB);
  REQUIRE(body.has_value());
  return body->view().find(payload) != std::string_view::npos;
}

}  // namespace

TEST_SUITE_BEGIN("relay/composer");

TEST_CASE("others have their turn between any two parts of a large body") {
  for (const std::size_t parts : {2UL, 8UL, 40UL}) {
    CAPTURE(parts);
    Bench bench;
    const std::size_t size = parts * 128 * 1024 - 1000;
    auto composing = bench.start(bench.accept(size));
    std::size_t others = 0;
    while (!composing.done()) {
      boost::asio::post(bench.io, [&] { ++others; });
      const auto before = others;
      while (others == before) bench.turn();
      REQUIRE(others < 1000);
    }
    CHECK(others >= parts);
    CHECK(holds(composing.get(), bench.payload));
  }
}

TEST_CASE("what is large is more than a part") {
  Bench bench;
  CHECK_FALSE(Composer::is_large(*bench.backlog.find(bench.accept(120UL * 1024))));
  CHECK(Composer::is_large(*bench.backlog.find(bench.accept(128UL * 1024))));
}

TEST_CASE(
    "a body that is spilled, evicted or has met its fate meanwhile is composed all the same") {
  for (const std::string_view what : {"spilled", "dropped", "all dropped", "without items"}) {
    CAPTURE(what);
    Bench bench({.max_waiting = 9, .max_bytes = 3 * kMiB});
    const auto id = bench.accept(2 * kMiB, "transaction");
    const std::string payload = bench.payload;
    auto composing = bench.start(id);
    for (int i = 0; i < 4; ++i) bench.turn();
    REQUIRE_FALSE(composing.done());
    REQUIRE(bench.backlog.find(id)->parcel != nullptr);
    if (what == "spilled") {
      bench.journal.broken = true;
      bench.accept(2 * kMiB);
      CHECK(bench.backlog.find(id)->parcel == nullptr);
      CHECK(bench.backlog.bytes() < 3 * kMiB);
    } else if (what == "dropped") {
      bench.backlog.drop(id, relay::DropReason::queue_overflow);
    } else if (what == "all dropped") {
      bench.backlog.drop_all(relay::DropReason::network_error);
    } else {
      bench.backlog.drop_items(id, {true}, relay::DropReason::ratelimit_backoff);
    }
    CHECK(holds(composing.get(), payload));
  }
}

TEST_CASE("what only the journal has is read from it, once") {
  Bench bench({.max_waiting = 9, .max_bytes = 0});
  auto composing = bench.start(bench.accept(kMiB));
  CHECK(holds(composing.get(), bench.payload));
  CHECK(bench.journal.reads == 1);
}

TEST_CASE("others have their turn between what is read of it, in which it may meet its fate") {
  for (const bool dropped : {false, true}) {
    CAPTURE(dropped);
    Bench bench;
    OnDisk on(bench);
    const std::string payload = support::noise(4 * kMiB);
    on.accept({support::item("event", payload)});
    support::Started<Composer::Composed> composing(bench.io, on.composer.compose_large(1, kLimit));
    std::size_t turns = 0;
    for (; !composing.done() && turns < 1000; ++turns) {
      bench.turn();
      if (dropped && turns == 8) on.backlog.drop(1, relay::DropReason::queue_overflow);
    }
    const auto composed = composing.get();
    CHECK((composed != nullptr) != dropped);
    if (!dropped) CHECK(holds(composed, payload));
    CHECK((turns > 16 + 32) != dropped);
  }
}

TEST_CASE("a large one leaves without what a limit takes, and others have their turn meanwhile") {
  Bench bench;
  OnDisk on(bench);
  const std::string payload = support::noise(4 * kMiB);
  const std::string event = support::item("event");
  on.accept({event, support::item("session"), support::item("attachment", payload)});
  bench.where->limits.learn("60:session:key", bench.clock.wall_now());
  REQUIRE_FALSE(on.judge.drop_limited(*on.backlog.find(1)));
  support::Started<Composer::Composed> composing(bench.io, on.composer.compose_large(1, kLimit));
  std::size_t turns = 0;
  for (; !composing.done() && turns < 1000; ++turns) bench.turn();
  const auto composed = composing.get();
  CHECK(holds(composed, payload));
  CHECK_FALSE(holds(composed, "session"));
  // Read, copied, written again, compressed: a slice a turn.
  CHECK(turns > 16 + 32 + 32 + 32);
  CHECK(on.dropped(proto::Category::session) == 1);
  CHECK(on.stats.ledger.dropped(DropReason::ratelimit_backoff).total() == 1);
  CHECK(on.stats.ledger.balances(on.backlog.waiting()));
  CHECK(bench.where->losses.entries().size() == 1);
  // What a restart would find.
  const auto record = on.spool.read(on.backlog.find(1)->kept);
  REQUIRE(record.has_value());
  CHECK(record->body.view() ==
        support::envelope_text({event, support::item("attachment", payload)}));
  CHECK(on.spool.figures().segments == 1);
}

TEST_CASE("of a large one nothing but its small rest may be left, or nothing at all") {
  Bench bench({.max_waiting = 9, .max_bytes = 0});
  const std::string attachment = support::item("attachment", support::noise(2 * kMiB));
  const auto accept = [&] {
    const auto text = support::envelope_text({support::item("event"), attachment});
    REQUIRE(bench.backlog.accept(support::parcel(support::parsed(text)), *bench.where, {}));
    return bench.backlog.next_id() - 1;
  };
  const auto id = accept();
  bench.where->limits.learn("60:attachment:key", bench.clock.wall_now());
  CHECK_FALSE(bench.judge.drop_limited(*bench.backlog.find(id)));
  const auto composed = bench.start(id).get();
  REQUIRE(composed != nullptr);
  CHECK(composed->request.body.ends_with(support::item("event")));
  CHECK(bench.backlog.find(id)->bytes < 100);
  CHECK(bench.journal.reads == 1);
  const auto gone = accept();
  bench.where->limits.learn("60:error:key", bench.clock.wall_now());
  CHECK(bench.judge.drop_limited(*bench.backlog.find(gone)));
  CHECK(bench.backlog.find(gone) == nullptr);
  CHECK(bench.journal.reads == 1);
}

TEST_CASE("what is left of a large one when its event is gone may have been written too often") {
  Bench bench;
  const auto text = support::envelope_text(
      {support::item("transaction"), support::item("session", support::noise(2 * kMiB))});
  REQUIRE(bench.backlog.accept(support::parcel(support::parsed(text)), *bench.where, {}));
  relay::Entry& entry = *bench.backlog.find(1);
  entry.full_writes = 2;
  entry.first_written = bench.clock.wall_now();
  bench.where->limits.learn("60:transaction:key", bench.clock.wall_now());
  CHECK(bench.start(1).get() == nullptr);
  CHECK(bench.backlog.size() == 0);
  CHECK(bench.stats.ledger.dropped(DropReason::network_error)[proto::Category::session] == 1);
  CHECK(bench.stats.ledger.dropped(DropReason::ratelimit_backoff).total() == 1);
}

TEST_CASE("what a 429 refuses of a large one is known without reading it again") {
  Bench bench({.max_waiting = 9, .max_bytes = 0});
  const auto text = support::envelope_text({support::item("event"),
                                            support::item("attachment", support::noise(2 * kMiB)),
                                            support::item("session")});
  REQUIRE(bench.backlog.accept(support::parcel(support::parsed(text)), *bench.where, {}));
  relay::UpstreamAnswer answer;
  answer.status = 429;
  answer.rate_limits = "60:error:key";
  bench.judge.answered(*bench.backlog.find(1), answer, true);
  CHECK(bench.journal.reads == 0);
  CHECK(bench.journal.kept.empty());
  const auto& ledger = bench.stats.ledger;
  CHECK(ledger.refused().at(429)[proto::Category::error] == 1);
  CHECK(ledger.refused().at(429)[proto::Category::attachment] == 1);
  CHECK(ledger.delivered()[proto::Category::session] == 1);
}

TEST_CASE("large ones are composed one after the other, in the order they were begun") {
  Bench bench;
  auto first = bench.start(bench.accept(kMiB));
  auto second = bench.start(bench.accept(kMiB));
  auto third = bench.start(bench.accept(kMiB));
  support::until(bench.io, [&] { return first.done(); });
  CHECK_FALSE(second.done());
  support::until(bench.io, [&] { return second.done(); });
  CHECK_FALSE(third.done());
  CHECK(third.get() != nullptr);
}

TEST_CASE("one that meets its fate before its turn is not composed") {
  Bench bench;
  auto first = bench.start(bench.accept(kMiB));
  const auto id = bench.accept(kMiB);
  auto second = bench.start(id);
  for (int i = 0; i < 4; ++i) bench.turn();
  bench.backlog.drop(id, relay::DropReason::queue_overflow);
  CHECK(first.get() != nullptr);
  CHECK(second.get() == nullptr);
}

TEST_CASE("it is given up after its limit of awake time, and a freeze is none") {
  Bench bench;
  const auto id = bench.accept(40 * kMiB);
  auto composing = bench.start(id);
  for (int i = 0; i < 4; ++i) bench.turn();
  bench.clock.freeze(milliseconds{3'600'000}, milliseconds{3'600'000});
  bench.turn();
  bench.turn();
  CHECK_FALSE(composing.done());
  for (int i = 0; i < 105 && !composing.done(); ++i) {
    bench.clock.advance(milliseconds{50});
    bench.turn();
  }
  REQUIRE(composing.done());
  CHECK(composing.get() == nullptr);
  // And the next one has its turn.
  CHECK(bench.start(bench.accept(kMiB)).get() != nullptr);
}

TEST_CASE("cancelled, it ends with its part, and the next one has its turn") {
  Bench bench;
  auto next = [&] {
    auto composing = bench.start(bench.accept(40 * kMiB));
    for (int i = 0; i < 4; ++i) bench.turn();
    composing.cancel();
    for (int i = 0; i < 2; ++i) bench.turn();
    CHECK(composing.done());
    return bench.accept(kMiB);
  }();
  CHECK(bench.start(next).get() != nullptr);
}

TEST_SUITE_END();
