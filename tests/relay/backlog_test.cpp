#include "relay/backlog.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "relay/accepting.hpp"
#include "relay/reducing.hpp"
#include "relay/spool_journal.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/temp_folder.hpp"

using proto::Category;
using relay::DropReason;
using support::envelope;

namespace {

struct Bench {
  explicit Bench(relay::BacklogSettings settings = {}) : backlog(settings, journal, stats) {}

  /// Without a journal: everything has to be in memory.
  static Bench in_memory(relay::BacklogSettings settings) { return Bench(settings, true); }

  ~Bench() {
    CHECK(stats.ledger.balances(backlog.waiting()));
    CHECK((journal.broken || journal.kept.size() == backlog.size()));
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  bool accept(proto::Envelope what) { return accept(std::move(what), somewhere); }

  bool accept(proto::Envelope what, relay::Destination& where) {
    return backlog.accept(support::parcel(std::move(what)), where, {});
  }

  std::vector<std::uint64_t> order() {
    std::vector<std::uint64_t> ids;
    backlog.each_in_order([&](const relay::Entry& entry) {
      ids.push_back(entry.id);
      return true;
    });
    return ids;
  }

  std::uint64_t evicted(Category category) const {
    return stats.ledger.dropped(DropReason::queue_overflow)[category];
  }

  support::MemoryJournal journal;
  relay::Stats stats;
  relay::Destination somewhere;
  relay::Backlog backlog;

 private:
  Bench(relay::BacklogSettings settings, bool broken) : Bench(settings) { journal.broken = broken; }
};

using Ids = std::vector<std::uint64_t>;

/// An envelope that takes exactly `size` bytes of memory: its body, and what is known of its item.
proto::Envelope sized(std::string_view type, std::size_t size) {
  std::string text = "{}\n{\"type\":\"" + std::string(type) + "\"}\n";
  size -= sizeof(proto::Item);
  REQUIRE(text.size() <= size);
  return support::parsed(text + std::string(size - text.size(), 'x'));
}

/// All bodies are in real files, and nowhere else.
struct OnDisk {
  explicit OnDisk(std::uint64_t limit, std::size_t max_waiting = 9999)
      : spool({temp.path("spool"), limit}, disk, clock, log),
        backlog({.max_waiting = max_waiting, .max_bytes = 0}, spool, stats) {}

  bool accept(std::string_view type, std::size_t size) {
    auto parcel = support::parcel(sized(type, size));
    if (backlog.has_room(size)) return backlog.accept(std::move(parcel), somewhere, {});
    relay::Backlog::Accepting accepting(backlog, std::move(parcel), somewhere, {});
    for (;;) {
      if (const auto accepted = accepting.step(256UL * 1024)) return *accepted;
    }
  }

  [[nodiscard]] std::uint64_t evicted() const {
    return stats.ledger.dropped(DropReason::queue_overflow)[Category::session];
  }

  boost::asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  support::TempFolder temp;
  support::FaultyDisk disk;
  relay::SpoolJournal spool;
  relay::Stats stats;
  relay::Destination somewhere;
  relay::Backlog backlog;
};

}  // namespace

TEST_SUITE_BEGIN("relay/backlog");

TEST_CASE("by count: one below the limit, at it, and one more, which finds no place") {
  Bench bench({.max_waiting = 2, .max_bytes = 1000});
  CHECK(bench.accept(envelope({"event"})));
  CHECK(bench.accept(envelope({"event"})));
  CHECK_FALSE(bench.accept(envelope({"event"})));
  CHECK(bench.backlog.size() == 2);
  CHECK(bench.evicted(Category::error) == 0);
  CHECK(bench.stats.ledger.accepted()[Category::error] == 2);
}

TEST_CASE("by bytes: one below the limit, at it, and one more") {
  for (const auto& [size, fits] :
       std::vector<std::pair<std::size_t, bool>>{{599, true}, {600, true}, {601, false}}) {
    CAPTURE(size);
    Bench bench = Bench::in_memory({.max_waiting = 9, .max_bytes = 1000});
    CHECK(bench.accept(sized("event", 400)));
    CHECK(bench.accept(sized("event", size)) == fits);
    CHECK(bench.backlog.bytes() == (fits ? 400 + size : 400));
  }
}

TEST_CASE("an envelope alone may be as large as the limit and no larger") {
  for (const auto& [size, fits] :
       std::vector<std::pair<std::size_t, bool>>{{999, true}, {1000, true}, {1001, false}}) {
    CAPTURE(size);
    Bench bench = Bench::in_memory({.max_waiting = 9, .max_bytes = 1000});
    CHECK(bench.accept(sized("event", size)) == fits);
  }
}

TEST_CASE("eviction takes the least urgent first, and of those the oldest") {
  Bench bench({.max_waiting = 4, .max_bytes = 10000});
  CHECK(bench.accept(envelope({"transaction"})));  // 1
  CHECK(bench.accept(envelope({"event"})));        // 2
  CHECK(bench.accept(envelope({"transaction"})));  // 3
  CHECK(bench.accept(envelope({"event"})));        // 4
  CHECK(bench.accept(envelope({"event"})));        // 5 for 1
  CHECK(bench.order() == Ids{2, 4, 5, 3});
  CHECK(bench.accept(envelope({"check_in"})));  // 6 for 3
  CHECK(bench.order() == Ids{2, 4, 5, 6});
  CHECK(bench.evicted(Category::transaction) == 2);
  CHECK_FALSE(bench.accept(envelope({"event"})));
  CHECK(bench.evicted(Category::error) == 0);
}

TEST_CASE("only what is less urgent than the newcomer makes room for it") {
  Bench bench({.max_waiting = 1, .max_bytes = 10000});
  CHECK(bench.accept(envelope({"transaction"})));
  CHECK_FALSE(bench.accept(envelope({"transaction"})));
  CHECK(bench.accept(envelope({"feedback"})));
  CHECK_FALSE(bench.accept(envelope({"transaction"})));
  CHECK_FALSE(bench.accept(envelope({"event"})));
  CHECK(bench.evicted(Category::transaction) == 1);
}

TEST_CASE("what is in flight is never evicted") {
  Bench bench({.max_waiting = 2, .max_bytes = 10000});
  CHECK(bench.accept(envelope({"transaction"})));
  CHECK(bench.accept(envelope({"transaction"})));
  bench.backlog.find(1)->in_flight = true;
  CHECK(bench.accept(envelope({"event"})));
  CHECK(bench.backlog.find(1) != nullptr);
  CHECK(bench.backlog.find(2) == nullptr);
  bench.backlog.find(3)->in_flight = true;
  CHECK_FALSE(bench.accept(envelope({"event"})));
}

TEST_CASE("nothing is evicted for a newcomer that would find no room even then") {
  Bench bench = Bench::in_memory({.max_waiting = 9, .max_bytes = 1000});
  CHECK(bench.accept(sized("event", 600)));
  CHECK(bench.accept(sized("transaction", 400)));
  CHECK_FALSE(bench.accept(sized("event", 600)));
  CHECK_FALSE(bench.accept(sized("event", 1001)));
  CHECK(bench.backlog.size() == 2);
  CHECK(bench.evicted(Category::transaction) == 0);
}

TEST_CASE("several go for a large one, and no more than needed") {
  Bench bench = Bench::in_memory({.max_waiting = 9, .max_bytes = 2000});
  for (int i = 0; i < 4; ++i) CHECK(bench.accept(sized("transaction", 500)));
  CHECK(bench.accept(sized("event", 600)));
  CHECK(bench.order() == Ids{5, 3, 4});
  CHECK(bench.backlog.bytes() == 1600);
}

TEST_CASE(
    "the most urgent leaves first, and of those the oldest; who is in flight is passed over") {
  Bench bench;
  for (const auto type : {"session", "transaction", "event", "session", "feedback"}) {
    CHECK(bench.accept(envelope({type})));
  }
  const Ids all = bench.order();
  CHECK(all.size() == 5);
  CHECK(all[0] == 3);
  CHECK(all[1] == 5);
  bench.backlog.find(3)->in_flight = true;
  CHECK(bench.order().front() == 5);
  bench.backlog.find(3)->in_flight = false;
  CHECK(bench.order() == all);
}

TEST_CASE("the walk ends when it is told to") {
  Bench bench;
  for (int i = 0; i < 3; ++i) CHECK(bench.accept(envelope({"event"})));
  int seen = 0;
  bench.backlog.each_in_order([&](const relay::Entry&) { return ++seen < 2; });
  CHECK(seen == 2);
}

TEST_CASE("check-ins of one DSN leave one at a time in the order they came") {
  Bench bench;
  relay::Destination one;
  relay::Destination other;
  CHECK(bench.accept(envelope({"check_in"}), one));    // 1
  CHECK(bench.accept(envelope({"check_in"}), one));    // 2
  CHECK(bench.accept(envelope({"check_in"}), other));  // 3
  CHECK(bench.accept(envelope({"event"}), one));       // 4
  CHECK(bench.order() == Ids{1, 3, 4});
  bench.backlog.find(1)->in_flight = true;
  CHECK(bench.order() == Ids{3, 4});
  bench.backlog.find(1)->in_flight = false;
  CHECK(bench.order() == Ids{1, 3, 4});
  bench.backlog.deliver(1);
  CHECK(bench.order() == Ids{2, 3, 4});
}

TEST_CASE("each fate is counted once, in its place, and the journal lets go") {
  Bench bench;
  for (int i = 0; i < 3; ++i) CHECK(bench.accept(envelope({"event", "attachment"})));
  CHECK(bench.journal.kept.size() == 3);
  bench.backlog.deliver(1);
  bench.backlog.refuse(2, 403);
  bench.backlog.drop(3, DropReason::network_error);
  const auto& ledger = bench.stats.ledger;
  CHECK(ledger.delivered()[Category::error] == 1);
  CHECK(ledger.delivered()[Category::attachment] == 1);
  CHECK(ledger.refused().at(403)[Category::error] == 1);
  CHECK(ledger.dropped(DropReason::network_error)[Category::attachment] == 1);
  CHECK(bench.stats.envelopes_delivered == 1);
  CHECK(bench.stats.envelopes_lost == 2);
  CHECK(bench.backlog.size() == 0);
  CHECK(bench.backlog.bytes() == 0);
}

TEST_CASE("a partial refusal counts its items as refused and the rest as delivered") {
  Bench bench;
  CHECK(bench.accept(envelope({"session"})));
  bench.backlog.deliver_without(1, {}, 429);
  CHECK(bench.stats.ledger.refused().empty());
  CHECK(bench.accept(envelope({"event", "transaction"})));
  proto::CategoryCounts refused;
  refused.add(Category::error);
  bench.backlog.deliver_without(2, refused, 429);
  CHECK(bench.backlog.size() == 0);
  CHECK(bench.journal.kept.empty());
  CHECK(bench.stats.ledger.refused().at(429) == refused);
  CHECK(bench.stats.ledger.delivered()[Category::session] == 1);
  CHECK(bench.stats.ledger.delivered()[Category::transaction] == 1);
  CHECK(bench.stats.ledger.delivered().total() == 2);
  CHECK(bench.stats.envelopes_delivered == 2);

  CHECK(bench.accept(envelope({"event"})));
  bench.backlog.deliver_without(3, refused, 429);
  CHECK(bench.stats.ledger.refused().at(429)[Category::error] == 2);
  CHECK(bench.stats.envelopes_lost == 1);
}

TEST_CASE("who loses items goes on with the rest, in its new place") {
  Bench bench;
  CHECK(bench.accept(envelope({"transaction"})));       // 1
  CHECK(bench.accept(envelope({"event", "session"})));  // 2, urgent for its event
  CHECK(bench.order() == Ids{2, 1});
  bench.backlog.drop_items(2, {true, false}, DropReason::ratelimit_backoff);
  CHECK(bench.stats.ledger.dropped(DropReason::ratelimit_backoff)[Category::error] == 1);
  CHECK(bench.stats.ledger.dropped(DropReason::ratelimit_backoff).total() == 1);
  CHECK(bench.stats.ledger.balances(bench.backlog.waiting()));
  CHECK(bench.order() == Ids{1, 2});
  const relay::Entry* left = bench.backlog.find(2);
  REQUIRE(left != nullptr);
  CHECK(left->parcel->body() == support::envelope_text({support::item("session")}));
  bench.backlog.deliver(2);
  CHECK(bench.stats.ledger.delivered()[Category::session] == 1);
}

TEST_CASE("dropping every item of an envelope ends it, whole") {
  Bench bench;
  CHECK(bench.accept(envelope({"event", "attachment"})));
  bench.backlog.drop_items(1, {true, true}, DropReason::ratelimit_backoff);
  CHECK(bench.backlog.size() == 0);
  CHECK(bench.backlog.bytes() == 0);
  CHECK(bench.stats.ledger.dropped(DropReason::ratelimit_backoff).total() == 2);
}

TEST_CASE("at the end everything that waits has its fate, in flight or not") {
  Bench bench;
  for (int i = 0; i < 3; ++i) CHECK(bench.accept(envelope({"event"})));
  bench.backlog.find(2)->in_flight = true;
  bench.backlog.drop_all(DropReason::network_error);
  CHECK(bench.backlog.size() == 0);
  CHECK(bench.journal.reads == 0);
  CHECK(bench.backlog.bytes() == 0);
  CHECK(bench.stats.envelopes_lost == 3);
  CHECK(bench.stats.ledger.dropped(DropReason::network_error)[Category::error] == 3);
}

TEST_CASE("an envelope for which there is no memory was never here") {
  Bench bench;
  CHECK(bench.accept(envelope({"event"})));
  bench.journal.out_of_memory = true;
  CHECK_THROWS_AS(static_cast<void>(bench.accept(envelope({"event"}))), std::bad_alloc);
  bench.journal.out_of_memory = false;
  CHECK(bench.order() == Ids{1});
  CHECK(bench.stats.ledger.accepted()[Category::error] == 1);
  CHECK(bench.accept(envelope({"event"})));
  CHECK(bench.order().size() == 2);
}

TEST_CASE("with a journal the memory's limit sends bodies to the disk, and evicts nothing") {
  for (const auto& [size, in_memory] :
       std::vector<std::pair<std::size_t, bool>>{{599, true}, {600, true}, {601, false}}) {
    CAPTURE(size);
    Bench bench({.max_waiting = 9, .max_bytes = 1000});
    CHECK(bench.accept(sized("event", 400)));
    CHECK(bench.accept(sized("event", size)));
    CHECK(bench.backlog.size() == 2);
    CHECK((bench.backlog.find(2)->parcel != nullptr) == in_memory);
    const auto loaded = bench.backlog.load(2);
    REQUIRE(loaded != nullptr);
    CHECK(loaded->body().size() == size - sizeof(proto::Item));
    CHECK(bench.journal.reads == (in_memory ? 0 : 1));
  }
}

TEST_CASE("what only memory keeps takes the place of what the journal keeps, too") {
  Bench bench({.max_waiting = 9, .max_bytes = 1000});
  CHECK(bench.accept(sized("event", 600)));
  bench.journal.broken = true;
  CHECK(bench.accept(sized("transaction", 600)));
  CHECK(bench.backlog.find(1)->parcel == nullptr);
  CHECK(bench.backlog.find(2)->parcel != nullptr);
  CHECK(bench.backlog.bytes() == 600);
  CHECK_FALSE(bench.accept(sized("transaction", 401)));
  CHECK(bench.accept(sized("event", 1000)));
  CHECK(bench.order() == Ids{1, 3});
  CHECK(bench.evicted(Category::transaction) == 1);
}

TEST_CASE("memory is made by what memory alone keeps, not by what the journal keeps") {
  Bench bench({.max_waiting = 9, .max_bytes = 1000});
  CHECK(bench.accept(sized("transaction", 600)));  // 1, kept
  bench.journal.broken = true;
  CHECK(bench.accept(sized("transaction", 600)));  // 2
  CHECK(bench.accept(sized("event", 1000)));
  CHECK(bench.order() == Ids{3, 1});
  bench.backlog.deliver(3);
  // And what has gone takes none.
  CHECK(bench.accept(sized("event", 1000)));
}

TEST_CASE("room in the journal is made by what it keeps, not by what memory alone keeps") {
  Bench bench({.max_waiting = 9, .max_bytes = 10000});
  const std::size_t body = 500 - sizeof(proto::Item);
  bench.journal.broken = true;
  CHECK(bench.accept(sized("transaction", 500)));  // 1
  bench.journal.broken = false;
  bench.journal.limit = body;
  CHECK(bench.accept(sized("transaction", 500)));  // 2, kept
  CHECK(bench.accept(sized("event", 500)));
  CHECK(bench.order() == Ids{3, 1});
  bench.backlog.deliver(1);
}

TEST_CASE("of what was accepted the urgent are counted apart") {
  Bench bench;
  for (const auto* type : {"event", "transaction"}) CHECK(bench.accept(envelope({type})));
  CHECK(bench.stats.envelopes_accepted == 2);
  CHECK(bench.stats.urgent_accepted == 1);
}

TEST_CASE("memory that is just full lets nothing go") {
  Bench bench({.max_waiting = 9, .max_bytes = 1000});
  CHECK(bench.accept(sized("event", 400)));
  CHECK(bench.accept(sized("event", 600)));
  CHECK(bench.accept(sized("event", 400)));
  CHECK(bench.backlog.bytes() == 1000);
}

TEST_CASE("what an earlier process left makes room like any other") {
  Bench bench({.max_waiting = 1});
  const auto kept = bench.journal.keep({}, "");
  bench.backlog.recover(*kept, support::parcel(envelope({"transaction"})), bench.somewhere, {});
  CHECK(bench.accept(envelope({"event"})));
  CHECK(bench.order() == Ids{2});
}

TEST_CASE("what counts as nothing that upstream knows is not told") {
  Bench bench({.max_waiting = 1});
  relay::RecordHead head;
  head.counts.add(Category::default_);
  CHECK(bench.backlog.accept({head, proto::Bytes::copy_of("x")}, bench.somewhere, {}));
  bench.backlog.drop(1, DropReason::queue_overflow);
  CHECK(bench.somewhere.losses.empty());
}

TEST_CASE("what upstream may not be told of is counted, and not told") {
  Bench bench;
  CHECK(bench.accept(envelope({"event"})));
  bench.backlog.drop(1, DropReason::not_allowed);
  CHECK(bench.stats.ledger.dropped(DropReason::not_allowed)[Category::error] == 1);
  CHECK(bench.somewhere.losses.empty());
}

TEST_CASE("a large one that finds no place is told so before it is written") {
  OnDisk bench(16 * relay::kMiB, 1);
  REQUIRE(bench.accept("event", 400));
  relay::Backlog::Accepting large(bench.backlog, support::parcel(sized("event", 2 * relay::kMiB)),
                                  bench.somewhere, {});
  CHECK(large.step(1000) == false);
}

TEST_CASE("a large one whose place another took meanwhile leaves no record") {
  OnDisk bench(16 * relay::kMiB, 1);
  {
    relay::Backlog::Accepting large(bench.backlog, support::parcel(sized("event", 2 * relay::kMiB)),
                                    bench.somewhere, {});
    REQUIRE_FALSE(large.step(relay::kMiB).has_value());
    REQUIRE(bench.accept("event", 400));
    std::optional<bool> taken;
    while (!taken) taken = large.step(relay::kMiB);
    CHECK(*taken == false);
  }
  CHECK(bench.spool.figures().segments == 1);
  CHECK(bench.backlog.size() == 1);
}

TEST_CASE("for a large one at most 64 go in one turn") {
  OnDisk bench(8 * relay::kMiB);
  while (bench.accept("session", 1000)) {
  }
  relay::Backlog::Accepting large(bench.backlog, support::parcel(sized("event", 2 * relay::kMiB)),
                                  bench.somewhere, {});
  std::uint64_t most = 0;
  std::optional<bool> taken;
  while (!taken) {
    const auto before = bench.evicted();
    taken = large.step(relay::kMiB);
    most = std::max(most, bench.evicted() - before);
  }
  CHECK(*taken == true);
  CHECK(most == 64);
}

TEST_CASE("at the journal's limit the least urgent, oldest go first, if that makes room") {
  Bench bench({.max_waiting = 9, .max_bytes = 10000});
  const std::size_t body = 500 - sizeof(proto::Item);
  bench.journal.limit = 3 * body;
  CHECK(bench.accept(sized("transaction", 500)));  // 1
  CHECK(bench.accept(sized("event", 500)));        // 2
  CHECK(bench.accept(sized("transaction", 500)));  // 3
  CHECK_FALSE(bench.accept(sized("transaction", 500)));
  CHECK_FALSE(bench.accept(sized("event", 500 + 2 * body + 1)));
  CHECK(bench.evicted(Category::transaction) == 0);
  CHECK(bench.accept(sized("event", 500)));  // for 1
  CHECK(bench.order() == Ids{2, 4, 3});
  CHECK(bench.stats.ledger.accepted().total() == 4);
}

TEST_CASE("nothing is evicted for a newcomer where the journal's files could not give the room") {
  // Eight files, one of which stays free. What is dead in one is given back from a 32nd on.
  OnDisk bench(relay::kMiB);
  // In each file a few sessions among many events; all of them together as large as three events.
  std::uint64_t sessions = 0;
  for (int i = 0; i < 9999; ++i) {
    if (i % 16 == 0) sessions += bench.accept("session", 400) ? 1U : 0U;
    if (!bench.accept("event", 2000)) break;
  }
  CHECK(sessions > 15);
  CHECK(bench.evicted() == 0);
}

TEST_CASE("some go at once before the journal copies a file's worth for the rest of it") {
  OnDisk bench(16 * relay::kMiB);
  // In each file some sessions among many events.
  for (int i = 0; bench.spool.figures().bytes < 13 * relay::kMiB + 700UL * 1024; ++i) {
    REQUIRE(bench.accept(i % 5 == 0 ? "session" : "event", 10'000));
  }
  const std::size_t before = bench.disk.writes;
  CHECK(bench.accept("event", 1'000'000));
  // Each record that moves is one.
  CHECK(bench.disk.writes - before < 1000);
  CHECK(bench.evicted() < 90);
}

TEST_CASE("what the journal cannot give back is dropped and counted") {
  Bench bench({.max_waiting = 9, .max_bytes = 0});
  CHECK(bench.accept(envelope({"event"})));
  bench.journal.unreadable = true;
  CHECK(bench.backlog.load(1) == nullptr);
  CHECK(bench.backlog.size() == 0);
  CHECK(bench.stats.unreadable == 1);
  CHECK(bench.stats.ledger.dropped(DropReason::internal_sdk_error)[Category::error] == 1);
}

TEST_CASE("an envelope without some items is what the journal keeps from then on") {
  for (const bool in_memory : {true, false}) {
    CAPTURE(in_memory);
    Bench bench({.max_waiting = 9, .max_bytes = in_memory ? 10000U : 0U});
    CHECK(bench.accept(envelope({"event", "session"})));
    bench.backlog.drop_items(1, {true, false}, DropReason::ratelimit_backoff);
    REQUIRE(bench.journal.kept.size() == 1);
    const auto& kept = bench.journal.kept.begin()->second;
    CHECK(kept.body == support::envelope_text({support::item("session")}));
    CHECK(kept.head.counts[Category::error] == 0);
    CHECK(kept.head.counts[Category::session] == 1);
    // Upstream is told of the one that went, and memory gives back all that it took.
    REQUIRE(bench.somewhere.losses.entries().size() == 1);
    CHECK(bench.somewhere.losses.entries()[0].category == Category::error);
    bench.backlog.deliver(1);
    CHECK(bench.backlog.bytes() == 0);
  }
}

TEST_CASE("what cannot be read loses no items: it has gone whole") {
  Bench bench({.max_waiting = 9, .max_bytes = 0});
  CHECK(bench.accept(envelope({"event", "session"})));
  bench.journal.unreadable = true;
  bench.backlog.drop_items(1, {true, false}, DropReason::ratelimit_backoff);
  CHECK(bench.backlog.size() == 0);
  CHECK(bench.stats.ledger.dropped(DropReason::internal_sdk_error).total() == 2);
}

TEST_CASE("some at a time, too, what is left goes where neither journal nor memory has room") {
  Bench bench({.max_waiting = 9, .max_bytes = 0});
  CHECK(bench.accept(envelope({"event", "session"})));
  const auto whole = bench.backlog.load(1);
  bench.journal.limit = 0;
  relay::Backlog::Reducing reducing(bench.backlog, 1, whole, {true, false},
                                    DropReason::ratelimit_backoff);
  std::optional<std::shared_ptr<const relay::Parcel>> left;
  for (int turn = 0; turn < 10 && !left; ++turn) left = reducing.step(1000);
  REQUIRE(left.has_value());
  CHECK(*left == nullptr);
  CHECK(bench.backlog.size() == 0);
}

TEST_CASE("without room for the smaller record and in memory, what is left of it goes, counted") {
  Bench bench({.max_waiting = 9, .max_bytes = 0});
  CHECK(bench.accept(envelope({"event", "session"})));
  bench.journal.limit = 0;
  bench.backlog.drop_items(1, {true, false}, DropReason::ratelimit_backoff);
  CHECK(bench.backlog.size() == 0);
  CHECK(bench.evicted(Category::session) == 1);
  CHECK(bench.evicted(Category::error) == 0);
  CHECK(bench.backlog.bytes() == 0);
}

TEST_CASE("what the journal keeps makes room in memory for what it does not") {
  Bench bench({.max_waiting = 9, .max_bytes = 1000});
  CHECK(bench.accept(sized("transaction", 900)));
  CHECK(bench.accept(envelope({"event", "session"})));
  CHECK(bench.backlog.find(1)->parcel != nullptr);
  bench.journal.limit = 0;
  bench.backlog.drop_items(2, {true, false}, DropReason::ratelimit_backoff);
  CHECK(bench.order() == Ids{1, 2});
  CHECK(bench.backlog.find(1)->parcel == nullptr);
  CHECK(bench.backlog.bytes() <= 1000);
}

TEST_CASE("without room for the smaller record the larger one stays, and memory has the truth") {
  Bench bench({.max_waiting = 9, .max_bytes = 10000});
  CHECK(bench.accept(envelope({"event", "session"})));
  bench.journal.limit = 0;
  bench.backlog.drop_items(1, {true, false}, DropReason::ratelimit_backoff);
  CHECK(bench.journal.kept.begin()->second.head.counts[Category::error] == 1);
  const auto loaded = bench.backlog.load(1);
  REQUIRE(loaded != nullptr);
  CHECK(loaded->body() == support::envelope_text({support::item("session")}));
  bench.backlog.deliver(1);
  CHECK(bench.journal.kept.empty());
}

TEST_CASE("what an earlier process left is older than all that is new, in its urgency") {
  Bench bench;
  CHECK(bench.accept(envelope({"event"})));  // 1
  const auto kept = bench.journal.keep({}, "");
  bench.backlog.recover(*kept, support::parcel(envelope({"event"})), bench.somewhere, {});  // 2
  CHECK(bench.order() == Ids{2, 1});
  CHECK(bench.stats.ledger.recovered()[Category::error] == 1);
  CHECK(bench.stats.envelopes_recovered == 1);
}

TEST_CASE("of what an earlier process left the first accepted is the oldest, however it is found") {
  Bench bench;
  const auto recover = [&](int second) {
    relay::RecordHead head;
    head.accepted_at = relay::WallTime(std::chrono::seconds{second});
    const auto kept = bench.journal.keep({}, "");
    bench.backlog.recover(*kept, {relay::RecordHead(head), envelope({"check_in"})}, bench.somewhere,
                          {});
  };
  recover(2);  // 1
  recover(1);  // 2
  CHECK(bench.order() == Ids{2});
  bench.backlog.deliver(2);
  CHECK(bench.order() == Ids{1});
}

TEST_CASE("how long the oldest has waited is known of what came and of what was left") {
  Bench bench;
  CHECK_FALSE(bench.backlog.oldest());
  const auto at = [](int second) { return relay::WallTime(std::chrono::seconds{second}); };
  const auto accept = [&](int second) {
    relay::Parcel parcel({at(second)}, envelope({"event"}));
    CHECK(bench.backlog.accept(std::move(parcel), bench.somewhere, {}));
  };
  accept(1000);
  accept(900);  // The clock was set back: it still leaves second.
  CHECK(bench.backlog.oldest() == at(900));
  CHECK(bench.order() == Ids{1, 2});
  relay::RecordHead head;
  head.accepted_at = at(800);
  const auto kept = bench.journal.keep({}, "");
  bench.backlog.recover(*kept, {relay::RecordHead(head), envelope({"event"})}, bench.somewhere, {});
  CHECK(bench.backlog.oldest() == at(800));
  accept(950);
  CHECK(bench.backlog.oldest() == at(800));
}

TEST_CASE("an older check-in that turns up waits for the newer one on its way") {
  Bench bench;
  CHECK(bench.accept(envelope({"check_in"})));  // 1
  bench.backlog.find(1)->in_flight = true;
  bench.somewhere.check_in_flight = true;
  const auto kept = bench.journal.keep({}, "");
  bench.backlog.recover(*kept, support::parcel(envelope({"check_in"})), bench.somewhere, {});
  CHECK(bench.order().empty());
  bench.somewhere.check_in_flight = false;
  bench.backlog.deliver(1);
  CHECK(bench.order() == Ids{2});
}

TEST_CASE("recovered without room: counted as recovered, and as dropped") {
  Bench bench({.max_waiting = 1});
  CHECK(bench.accept(envelope({"event"})));
  const auto kept = bench.journal.keep({}, "");
  bench.backlog.recover(*kept, support::parcel(envelope({"event"})), bench.somewhere, {});
  CHECK(bench.order() == Ids{1});
  CHECK(bench.evicted(Category::error) == 1);
  CHECK(bench.stats.envelopes_recovered == 1);
  CHECK(bench.stats.envelopes_lost == 1);
  // And upstream is told.
  REQUIRE(bench.somewhere.losses.entries().size() == 1);
  CHECK(bench.somewhere.losses.entries()[0].reason == "queue_overflow");
}

TEST_CASE("a large one whose room is made by several is not given up half way") {
  Bench bench;
  for (int i = 0; i < 3; ++i) CHECK(bench.accept(sized("transaction", 1000)));
  bench.journal.limit = bench.journal.bytes() + 100;
  CHECK(bench.accept(sized("event", 2500)));
  CHECK(bench.evicted(Category::transaction) == 3);
  CHECK(bench.backlog.size() == 1);
}

TEST_CASE("of a large one upstream is told what was lost without reading it again") {
  Bench bench({.max_waiting = 1, .max_bytes = 1000});
  constexpr std::size_t kLarge = 2U << 20U;
  const std::string payload(kLarge, 'x');
  const std::string sdk_report =
      R"({"discarded_events":[{"reason":"sample_rate","category":"span","quantity":9}]})";
  CHECK(bench.accept(support::parsed("{}\n" + support::item("client_report", sdk_report) +
                                     "{\"type\":\"attachment\"}\n" + payload)));
  CHECK(bench.accept(envelope({"event"})));
  const auto told = [&](std::string_view reason, Category category) {
    std::uint64_t sum = 0;
    for (const auto& entry : bench.somewhere.losses.entries()) {
      if (entry.reason == reason && entry.category == category) sum += entry.quantity;
    }
    return sum;
  };
  CHECK(told("queue_overflow", Category::attachment) == kLarge);
  CHECK(told("sample_rate", Category::span) == 9);
  relay::RecordHead dump;
  dump.counts.add(Category::attachment);
  bench.backlog.deliver(2);
  CHECK(bench.backlog.accept({dump, proto::Bytes::copy_of(payload)}, bench.somewhere, {}));
  CHECK(bench.accept(envelope({"event"})));
  CHECK(bench.evicted(Category::attachment) == 2);
  CHECK(bench.journal.reads == 0);
}

TEST_CASE("the end of the process drops only what dies with it") {
  Bench bench;
  CHECK(bench.accept(envelope({"event"})));  // 1, kept
  bench.journal.broken = true;
  CHECK(bench.accept(envelope({"event"})));
  CHECK(bench.accept(envelope({"event"})));
  bench.backlog.drop_unkept(DropReason::network_error);
  CHECK(bench.order() == Ids{1});
  CHECK(bench.stats.ledger.dropped(DropReason::network_error)[Category::error] == 2);
}

TEST_SUITE_END();
