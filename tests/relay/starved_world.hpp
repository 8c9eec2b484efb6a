// The relay's core with its journal, an upstream by script, and a famine at each allocation of what
// it is put through.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <doctest/doctest.h>

#include "relay/delivery.hpp"
#include "relay/intake.hpp"
#include "relay/spool_journal.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/famine.hpp"
#include "tests/support/local_requests.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/memory_disk.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scripted_upstream.hpp"

namespace support {

inline relay::RouteSettings one_dsn() {
  relay::RouteSettings settings;
  settings.configured = {route().dsn};
  return settings;
}

inline relay::DeliverySettings uncompressed() {
  relay::DeliverySettings settings;
  settings.compression = relay::Compression::none;
  return settings;
}

struct Limits {
  relay::BacklogSettings backlog{};
  std::uint64_t spool_bytes = 64 * relay::kMiB;
};

/// What lives and dies together.
struct Process {
  Process(boost::asio::io_context& io, relay::Clock& clock, relay::Log& log, relay::Disk& disk,
          relay::Upstream& upstream, Limits limits)
      : journal({"spool", limits.spool_bytes}, disk, clock, log),
        backlog(limits.backlog, journal, stats),
        destinations(4, relay::Compression::none, 3),
        changed(io.get_executor()),
        delivery(io.get_executor(), uncompressed(),
                 {clock, log, upstream, backlog, destinations, stats, changed, no_jitter}),
        intake({4 * relay::kMiB}, one_dsn(),
               {clock, backlog, destinations, stats, [] { return std::uint16_t{9797}; },
                [this] { return delivery.awake(); }, [this] { delivery.accepted(); }, no_jitter}),
        tasks(io.get_executor(), [](const std::exception_ptr&) {}) {
    tasks.spawn(relay::keep_running(
        clock, [](const std::exception_ptr&) {}, [this] { return delivery.run(); }));
  }

  static std::uint64_t no_jitter() { return 0; }

  relay::Stats stats;
  relay::SpoolJournal journal;
  relay::Backlog backlog;
  relay::Destinations destinations;
  relay::Wakeup changed;
  relay::Delivery delivery;
  relay::Intake intake;
  relay::TaskGroup tasks;
};

class World {
 public:
  explicit World(Limits limits) : limits_(limits) {
    let_timers_grow();
    begin();
  }

  ~World() { end(); }

  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // What a scenario is made of. Each goes on where memory ran out, as the host does.

  void accept(std::string_view items) { post("/api/42/envelope/", items); }

  void accept(std::initializer_list<std::string_view> types) {
    std::string items;
    {
      const Plenty mine;
      for (const auto type : types) items += item(type);
    }
    accept(items);
  }

  void accept_opaque() { post("/api/42/security/", ""); }

  void gate(relay::Gate gate) {
    attempt([&] { process_->delivery.set_gate(gate); });
    settle();
  }

  void pass(int milliseconds) {
    clock_.advance(relay::milliseconds{milliseconds});
    settle();
  }

  void thaw() {
    clock_.advance(relay::milliseconds{5000});
    attempt([&] { process_->delivery.thawed(); });
    gate(relay::Gate::open);
  }

  /// Killed; the next process recovers what there is.
  void restart() {
    const Plenty mine;
    end();
    begin();
  }

  /// As at each invoke.
  void recover() {
    attempt([&] { process_->journal.retry(); });
    const auto found = [this](relay::JournalId id, relay::Record record) {
      process_->intake.recover(id, std::move(record));
    };
    attempt([&] {
      while (process_->journal.recover_some(found)) {
      }
    });
    settle();
  }

  void drain() {
    gate(relay::Gate::draining);
    for (int i = 0; i < 5; ++i) pass(100);
  }

  /// To the send that has begun last.
  void answer_last(unsigned status) {
    const Plenty mine;
    if (upstream_.calls() == 0 || upstream_.call(upstream_.calls() - 1).ended) return;
    upstream_.answer(upstream_.calls() - 1, status);
    const Hunger product;
    settle();
  }

  ScriptedUpstream& upstream() { return upstream_; }

  // When there is memory again.

  void check() const {
    REQUIRE(process_->stats.ledger.balances(process_->backlog.waiting()));
    CHECK(process_->stats.unreadable == 0);
    CHECK(process_->stats.envelopes_accepted == acknowledged_here_);
  }

  /// All goes on.
  void check_goes_on() {
    check();
    upstream_.forget_script();
    upstream_.otherwise_hangs = false;
    for (std::size_t call = 0; call < upstream_.calls(); ++call) {
      if (!upstream_.call(call).ended) upstream_.answer(call, 200);
    }
    settle();
    recover();
    process_->delivery.thawed();
    gate(relay::Gate::open);
    leave();
    const std::uint64_t before = acknowledged_.size();
    accept({"event"});
    accept({"transaction", "session"});
    accept_opaque();
    CHECK(acknowledged_.size() == before + 3);
    leave();
    CHECK(process_->backlog.size() == 0);
    CHECK(process_->backlog.bytes() == 0);
    const relay::Work work = process_->delivery.work();
    CHECK(work.in_flight + work.probes == 0);
    check();
    check_whereabouts();
    check_next();
  }

  /// Every envelope acknowledged has left, or is one of those that are counted as lost.
  void check_whereabouts() const {
    std::uint64_t missing = 0;
    for (const auto& id : acknowledged_) missing += left(id) ? 0 : 1;
    CHECK(missing <= lost_before_ + process_->stats.envelopes_lost);
  }

  /// All has met its fate: a restart finds nothing.
  void check_next() {
    restart();
    recover();
    CHECK(process_->stats.envelopes_recovered == 0);
    CHECK(process_->journal.figures().all_recovered);
  }

 private:
  /// All that waits, its pauses over, and that of a task that failed.
  void leave() {
    pass(2000);
    for (int i = 0; process_->backlog.size() > 0 && i < 100; ++i) pass(2000);
  }

  template <class Step>
  static void attempt(Step step) {
    try {
      step();
    } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
    }
  }

  void settle() {
    for (bool quiet = false; !quiet;) {
      attempt([&] {
        support::settle(io_);
        quiet = true;
      });
    }
  }

  /// What Asio's list of them takes is not ours.
  void let_timers_grow() {
    std::list<boost::asio::steady_timer> timers;
    for (int i = 0; i < 64; ++i) {
      timers.emplace_back(io_, std::chrono::hours{1}).async_wait([](boost::system::error_code) {});
    }
    timers.clear();
    support::settle(io_);
  }

  void begin() {
    process_ = std::make_unique<Process>(io_, clock_, log_, disk_, upstream_, limits_);
    process_->delivery.set_gate(relay::Gate::open);
    acknowledged_here_ = 0;
  }

  void end() {
    lost_before_ += process_->stats.envelopes_lost;
    process_->delivery.stop();
    process_->tasks.stop();
    settle();
    process_.reset();
  }

  void post(std::string_view target, std::string_view items) {
    const Plenty mine;
    const std::string digits = std::to_string(++last_id_);
    const std::string id = std::string(32 - digits.size(), '0') + digits;
    std::string body = R"({"event_id":")" + id + "\"}\n";
    body.append(items);
    auto request = local_request(body, "Sentry sentry_key=" + kKey, std::string(target));
    const unsigned status = answer(std::move(request));
    if (status != 200) return;
    acknowledged_.push_back(id);
    ++acknowledged_here_;
  }

  /// As the listener asks for it; 0 for none.
  unsigned answer(relay::LocalRequest request) {
    const relay::Call call(request.header);
    unsigned status = 0;
    const Hunger product;
    attempt([&] {
      relay::Intake& intake = process_->intake;
      while (intake.takes_turns(request) && !intake.ready(request, call)) {
      }
      status = intake.take(std::move(request), call).status;
    });
    settle();
    return status;
  }

  [[nodiscard]] bool left(const std::string& id) const {
    for (std::size_t i = 0; i < upstream_.calls(); ++i) {
      const auto& call = upstream_.call(i);
      const bool answered = call.result && *call.result;
      if (answered && (**call.result).status < 430 && call.body.find(id) != std::string::npos) {
        return true;
      }
    }
    return false;
  }

  Limits limits_;
  boost::asio::io_context io_{1};
  ManualClock clock_{io_.get_executor()};
  Lines lines_;
  relay::Log log_{{}, lines_, clock_};
  MemoryDisk disk_;
  ScriptedUpstream upstream_{io_.get_executor()};
  std::unique_ptr<Process> process_;
  std::vector<std::string> acknowledged_;
  std::uint64_t acknowledged_here_ = 0;  ///< by this process
  std::uint64_t lost_before_ = 0;        ///< by earlier ones
  std::uint64_t last_id_ = 0;
};

/// The scenario with a famine at each of its allocations; the script is told, and whatever is to be
/// there already done, by `before`.
inline void starve(Limits limits, const std::function<void(World&)>& before,
                   const std::function<void(World&)>& scenario) {
  for (const auto& [length, step] : {std::pair{1UL, 1UL}, std::pair{40UL, 7UL}}) {
    bool came = true;
    for (std::size_t begin = 0; came; begin += step) {
      REQUIRE(begin < 5000);
      CAPTURE(begin);
      CAPTURE(length);
      if (std::getenv("SAY")) std::fprintf(stderr, "%zu %zu\n", begin, length);
      World world(limits);
      before(world);
      {
        const Famine famine(Whose::ours, begin, length);
        scenario(world);
        came = Famine::came();
      }
      world.check_goes_on();
    }
  }
}

}  // namespace support
