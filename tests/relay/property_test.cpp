// Random interleavings of everything that can happen to the relay's core, over a simulated clock:
// the accounts balance after every step, and nothing acknowledged vanishes without a reason.
// SEED and STEPS from the environment; both are printed.
#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "relay/delivery.hpp"
#include "relay/intake.hpp"
#include "relay/retry_policy.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/local_requests.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/random_upstream.hpp"
#include "tests/support/run.hpp"

using proto::Category;
using relay::Gate;
using relay::milliseconds;

namespace {

constexpr relay::BacklogSettings kRoom{.max_waiting = 40, .max_bytes = 6000};
constexpr std::size_t kJournalBytes = 9000;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

relay::RouteSettings one_dsn() {
  relay::RouteSettings settings;
  settings.configured = {support::route().dsn};
  return settings;
}

relay::DeliverySettings uncompressed() {
  relay::DeliverySettings settings;
  settings.compression = relay::Compression::none;
  settings.max_bytes = 3000;
  return settings;
}

/// What lives and dies together.
struct Process {
  Process(boost::asio::io_context& io, relay::Clock& clock, relay::Log& log,
          relay::Journal& journal, relay::Upstream& upstream)
      : backlog(kRoom, journal, stats),
        destinations(4, relay::Compression::none, 3),
        changed(io.get_executor()),
        delivery(io.get_executor(), uncompressed(),
                 {clock, log, upstream, backlog, destinations, stats, changed, no_jitter}),
        intake({1U << 20U}, one_dsn(),
               {clock, backlog, destinations, stats, [] { return std::uint16_t{9797}; },
                [this] { return delivery.awake(); }, [this] { delivery.accepted(); }, no_jitter}),
        tasks(io.get_executor(), [this](const std::exception_ptr&) { ++failures; }) {
    delivery.set_gate(Gate::open);
    tasks.spawn(delivery.run());
  }

  static std::uint64_t no_jitter() { return 0; }

  relay::Stats stats;
  relay::Backlog backlog;
  relay::Destinations destinations;
  relay::Wakeup changed;
  relay::Delivery delivery;
  relay::Intake intake;
  int failures = 0;
  relay::TaskGroup tasks;
};

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed) {
    journal_.limit = kJournalBytes;
    begin();
  }

  ~World() { end(); }

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void step() {
    const auto dice = random_() % 1000;
    if (dice < 400) {
      accept();
    } else if (dice < 700) {
      clock_.advance(milliseconds{static_cast<int>(random_() % 400)});
    } else if (dice < 820) {
      upstream_.release_hanging();
    } else if (dice < 900) {
      freeze();
    } else if (dice < 940) {
      clock_.advance(milliseconds{static_cast<int>(random_() % 70'000)});
    } else if (dice < 960) {
      upstream_.kindness = static_cast<unsigned>(random_() % 100);
    } else if (dice < 975) {
      // An hour back or forth, by whoever sets the clock.
      clock_.freeze(milliseconds{0}, milliseconds{random_() % 2 == 0 ? 3'600'000 : -3'600'000});
    } else if (dice < 985) {
      journal_.broken = !journal_.broken;
    } else if (dice < 995) {
      kill();
    } else {
      drain();
    }
    support::settle(io_);
  }

  void check() {
    const auto& ledger = process_->stats.ledger;
    REQUIRE(ledger.balances(process_->backlog.waiting()));
    REQUIRE(process_->backlog.size() <= kRoom.max_waiting);
    REQUIRE(process_->backlog.bytes() <= kRoom.max_bytes);
    REQUIRE(journal_.bytes() <= kJournalBytes);
    REQUIRE(process_->failures == 0);
    REQUIRE(process_->stats.task_failures == 0);
    REQUIRE(process_->stats.unreadable == 0);
    for (const auto& [id, times] : upstream_.written_only) {
      const auto deduplicated =
          deduplicated_.contains(id) ? proto::Deduplicated::all : proto::Deduplicated::none;
      REQUIRE(times <= relay::writes_left({.deduplicated = deduplicated}));
    }
    check_reports();
  }

  /// Each acknowledged one waits, was taken by upstream, or is one of those counted as lost.
  void check_whereabouts() {
    std::set<std::string> waiting;
    process_->backlog.each_in_order([&](const relay::Entry& entry) {
      note_waiting(entry.id, waiting);
      return true;
    });
    std::uint64_t missing = 0;
    for (const auto& id : acknowledged_) {
      missing += waiting.contains(id) || upstream_.taken.contains(id) ? 0 : 1;
    }
    REQUIRE(missing <= lost_before_ + process_->stats.envelopes_lost +
                           process_->delivery.work().in_flight + process_->delivery.work().probes +
                           check_ins_hidden());
  }

  std::uint64_t acknowledged() const { return acknowledged_.size(); }

  std::uint64_t kills() const { return kills_; }

  std::uint64_t taken() const { return upstream_.taken.size(); }

 private:
  void note_waiting(std::uint64_t id, std::set<std::string>& into) {
    const auto loaded = process_->backlog.load(id);
    REQUIRE(loaded != nullptr);
    into.emplace(loaded->envelope()->event_id());
  }

  /// The walk shows one check-in of a DSN at a time.
  std::uint64_t check_ins_hidden() const { return process_->backlog.waiting()[Category::monitor]; }

  void accept() {
    static constexpr std::array<std::string_view, 7> kTypes{
        "event", "transaction", "session", "log", "check_in", "attachment", "feedback"};
    const std::string id = [&] {
      const std::string digits = std::to_string(++last_id_);
      return std::string(32 - digits.size(), '0') + digits;
    }();
    const std::string_view first = kTypes[random_() % kTypes.size()];
    std::string body = R"({"event_id":")" + id + "\"}\n" + support::item(first, payload());
    for (const auto type : {"session", "attachment"}) {
      if (random_() % 4 == 0) body += support::item(type, payload());
    }
    auto request = support::local_request(body, "Sentry sentry_key=" + support::kKey);
    const relay::Call call(request.header);
    const auto answer = process_->intake.take(std::move(request), call);
    REQUIRE((answer.status == 200 || answer.status == 503));
    if (answer.status != 200) return;
    acknowledged_.insert(id);
    if (first == "event" || first == "transaction") deduplicated_.insert(id);
  }

  std::string payload() { return std::string(random_() % 400, 'x'); }

  void freeze() {
    process_->delivery.set_gate(Gate::late);
    support::settle(io_);
    if (random_() % 2 == 0) accept();
    support::settle(io_);
    const milliseconds length{static_cast<int>(random_() % 100'000)};
    clock_.freeze(random_() % 2 == 0 ? milliseconds{0} : length, length);
    process_->delivery.thawed();
    process_->delivery.expect_soon(random_() % 2 == 0);
    process_->delivery.set_gate(random_() % 3 == 0 ? Gate::carried : Gate::open);
  }

  void begin() {
    process_ = std::make_unique<Process>(io_, clock_, log_, journal_, upstream_);
    journal_.restart();
    proto::CategoryCounts kept;
    for (const auto& [id, one] : journal_.kept) kept += one.head.counts;
    const auto found = [this](relay::JournalId id, relay::Record record) {
      process_->intake.recover(id, std::move(record));
    };
    while (journal_.recover_some(found)) {
    }
    REQUIRE(process_->stats.ledger.recovered() == kept);
  }

  void end() {
    // SIGKILL: what unwinds here never happened.
    journal_.dead = true;
    std::uint64_t unkept = 0;
    process_->backlog.each_in_order([&](const relay::Entry& entry) {
      unkept += entry.kept == 0 ? 1 : 0;
      return true;
    });
    // In flight or hidden behind an older check-in: not in the walk.
    unkept +=
        process_->delivery.work().in_flight + process_->delivery.work().probes + check_ins_hidden();
    lost_before_ += process_->stats.envelopes_lost + unkept;
    process_->delivery.stop();
    process_->tasks.stop();
    support::settle(io_);
    process_.reset();
    upstream_.written_only.clear();
    upstream_.reports = {};
  }

  void kill() {
    ++kills_;
    end();
    begin();
  }

  /// SHUTDOWN, and the next process in the same sandbox.
  void drain() {
    process_->delivery.set_gate(Gate::draining);
    for (int i = 0; i < 10; ++i) {
      support::settle(io_);
      upstream_.release_hanging();
      clock_.advance(milliseconds{100});
    }
    support::settle(io_);
    check();
    // Upstream is not told of these.
    process_->backlog.drop_unkept(relay::DropReason::network_error);
    REQUIRE(process_->stats.ledger.balances(process_->backlog.waiting()));
    kill();
  }

  /// What was lost for a reason that upstream is told has been told, is about to be, or was told in
  /// vain. Of categories that a lost item counts as once.
  void check_reports() {
    if (upstream_.reports_under_way > 0) return;
    for (const auto category :
         {Category::error, Category::session, Category::feedback, Category::monitor}) {
      const auto& ledger = process_->stats.ledger;
      std::uint64_t lost = 0;
      for (std::size_t i = 0; i < relay::kDropReasonCount; ++i) {
        const auto reason = static_cast<relay::DropReason>(i);
        if (relay::is_reported(reason)) lost += ledger.dropped(reason)[category];
      }
      for (const auto& [status, items] : ledger.refused())
        lost += status == 429 ? 0 : items[category];
      std::uint64_t told = quantity(upstream_.reports, category);
      for (const auto& destination : process_->destinations.all()) {
        told += quantity(destination->losses, category);
      }
      // What a full backlog does not recover has no destination to tell.
      REQUIRE(told <= lost);
      REQUIRE(lost - told <= unrecovered(category));
    }
  }

  static std::uint64_t quantity(const proto::ClientReport& report, Category category) {
    std::uint64_t sum = 0;
    for (const auto& entry : report.entries())
      sum += entry.category == category ? entry.quantity : 0;
    return sum;
  }

  std::uint64_t unrecovered(Category category) const {
    return process_->stats.ledger.recovered()[category];
  }

  std::mt19937_64 random_;
  boost::asio::io_context io_{1};
  support::ManualClock clock_{io_.get_executor()};
  support::Lines lines_;
  relay::Log log_{{}, lines_, clock_};
  support::MemoryJournal journal_;
  support::RandomUpstream upstream_{io_.get_executor(), clock_, random_};
  std::unique_ptr<Process> process_;
  std::set<std::string> acknowledged_;
  std::set<std::string> deduplicated_;
  std::uint64_t lost_before_ = 0;  ///< by earlier processes
  std::uint64_t last_id_ = 0;
  std::uint64_t kills_ = 0;
};

}  // namespace

TEST_SUITE_BEGIN("relay/property");

TEST_CASE("whatever happens in whatever order, the accounts balance and nothing vanishes") {
  // The same one each time, so that a change is judged by itself; another one is for exploring.
  const auto seed = from_environment("SEED", 1);
  const auto steps = from_environment("STEPS", 100'000);
  MESSAGE("SEED=", seed, " STEPS=", steps);
  World world(seed);
  for (std::uint64_t step = 0; step < steps; ++step) {
    world.step();
    world.check();
    if (step % 500 == 0) world.check_whereabouts();
  }
  MESSAGE(world.acknowledged(), " acknowledged, ", world.taken(), " taken by upstream, ",
          world.kills(), " kills");
}

TEST_SUITE_END();
