#include "relay/backlog.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/envelopes.hpp"

using proto::Category;
using relay::DropReason;
using support::envelope;

namespace {

/// A journal that remembers whom it keeps, and may have enough.
class CountingJournal final : public relay::Journal {
 public:
  bool keep(std::uint64_t id, const proto::Envelope&) override {
    if (broken) throw std::bad_alloc();
    kept.insert(id);
    return true;
  }

  void release(std::uint64_t id) override { kept.erase(id); }

  std::set<std::uint64_t> kept;
  bool broken = false;
};

struct Bench {
  explicit Bench(relay::BacklogSettings settings = {}) : backlog(settings, journal, stats) {}

  ~Bench() {
    CHECK(stats.ledger.balances(backlog.waiting()));
    CHECK(journal.kept.size() == backlog.size());
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  bool accept(proto::Envelope what, relay::Destination* where = nullptr) {
    relay::Entry entry;
    entry.envelope = std::move(what);
    entry.destination = where;
    return backlog.accept(std::move(entry));
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

  CountingJournal journal;
  relay::Stats stats;
  relay::Backlog backlog;
};

using Ids = std::vector<std::uint64_t>;

/// An envelope of exactly `size` bytes.
proto::Envelope sized(std::string_view type, std::size_t size) {
  std::string text = "{}\n{\"type\":\"" + std::string(type) + "\"}\n";
  REQUIRE(text.size() <= size);
  return support::parsed(text + std::string(size - text.size(), 'x'));
}

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
       std::vector<std::pair<std::size_t, bool>>{{59, true}, {60, true}, {61, false}}) {
    CAPTURE(size);
    Bench bench({.max_waiting = 9, .max_bytes = 100});
    CHECK(bench.accept(sized("event", 40)));
    CHECK(bench.accept(sized("event", size)) == fits);
    CHECK(bench.backlog.bytes() == (fits ? 40 + size : 40));
  }
}

TEST_CASE("an envelope alone may be as large as the limit and no larger") {
  for (const auto& [size, fits] :
       std::vector<std::pair<std::size_t, bool>>{{99, true}, {100, true}, {101, false}}) {
    CAPTURE(size);
    Bench bench({.max_waiting = 9, .max_bytes = 100});
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
  Bench bench({.max_waiting = 9, .max_bytes = 100});
  CHECK(bench.accept(sized("event", 60)));
  CHECK(bench.accept(sized("transaction", 40)));
  CHECK_FALSE(bench.accept(sized("event", 60)));
  CHECK_FALSE(bench.accept(sized("event", 101)));
  CHECK(bench.backlog.size() == 2);
  CHECK(bench.evicted(Category::transaction) == 0);
}

TEST_CASE("several go for a large one, and no more than needed") {
  Bench bench({.max_waiting = 9, .max_bytes = 200});
  for (int i = 0; i < 4; ++i) CHECK(bench.accept(sized("transaction", 50)));
  CHECK(bench.accept(sized("event", 60)));
  CHECK(bench.order() == Ids{5, 3, 4});
  CHECK(bench.backlog.bytes() == 160);
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
  CHECK(bench.accept(envelope({"check_in"}), &one));    // 1
  CHECK(bench.accept(envelope({"check_in"}), &one));    // 2
  CHECK(bench.accept(envelope({"check_in"}), &other));  // 3
  CHECK(bench.accept(envelope({"event"}), &one));       // 4
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
  CHECK(bench.stats.durable);
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

TEST_CASE("a partial refusal takes its items and leaves the rest waiting, in its new place") {
  Bench bench;
  CHECK(bench.accept(envelope({"transaction"})));       // 1
  CHECK(bench.accept(envelope({"event", "session"})));  // 2, urgent for its event
  CHECK(bench.order() == Ids{2, 1});
  bench.backlog.refuse_items(2, {true, false}, 429);
  CHECK(bench.stats.ledger.refused().at(429)[Category::error] == 1);
  CHECK(bench.stats.ledger.refused().at(429)[Category::session] == 0);
  CHECK(bench.stats.ledger.balances(bench.backlog.waiting()));
  CHECK(bench.order() == Ids{1, 2});
  const relay::Entry* left = bench.backlog.find(2);
  REQUIRE(left != nullptr);
  CHECK(left->envelope.bytes() == support::envelope_text({support::item("session")}));
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
  CHECK(bench.stats.ledger.dropped(DropReason::network_error)[Category::error] == 3);
}

TEST_CASE("an envelope for which there is no memory was never here") {
  Bench bench;
  CHECK(bench.accept(envelope({"event"})));
  bench.journal.broken = true;
  CHECK_THROWS_AS(static_cast<void>(bench.accept(envelope({"event"}))), std::bad_alloc);
  bench.journal.broken = false;
  CHECK(bench.order() == Ids{1});
  CHECK(bench.stats.ledger.accepted()[Category::error] == 1);
  CHECK(bench.accept(envelope({"event"})));
  CHECK(bench.order().size() == 2);
}

TEST_SUITE_END();
