// Takes what is due from the backlog, sends it, and gives it its fate, or puts it back with what
// the try has taught. Decides nothing by itself: due, retry_policy and outcome do.
#pragma once

#include <cstdint>
#include <list>
#include <optional>

#include <boost/asio/any_io_executor.hpp>

#include "relay/backlog.hpp"
#include "relay/clock.hpp"
#include "relay/composer.hpp"
#include "relay/judge.hpp"
#include "relay/log.hpp"
#include "relay/loss_reporter.hpp"
#include "relay/relay.hpp"
#include "relay/schedule.hpp"
#include "relay/task_group.hpp"
#include "relay/upstream.hpp"
#include "relay/wakeup.hpp"

namespace relay {

class Delivery {
 public:
  struct Parts {
    Clock& clock;
    Log& log;
    Upstream& upstream;
    Backlog& backlog;
    Destinations& destinations;
    Stats& stats;
    Wakeup& changed;  ///< notified whenever work may have become less
    std::uint64_t (*random)();
  };

  Delivery(asio::any_io_executor executor, DeliverySettings settings, Parts parts);

  /// Sends for as long as it is not cancelled. One at a time.
  [[nodiscard]] asio::awaitable<void> run();

  /// The newest in the backlog has just come.
  void accepted();

  void set_gate(Gate gate);
  void closes_at(SteadyTime time);
  void expect_soon(bool soon);
  void thawed();
  /// The first byte of a local request is here: its envelope will want a connection.
  void expect_one();

  /// But for what is being received.
  [[nodiscard]] Work work() const;

  [[nodiscard]] bool sends() const { return !flights_.empty(); }

  /// At the end: what still waits, if anything, is for hosts that do not answer, and was tried.
  [[nodiscard]] bool hopeless() const { return schedule_.hopeless(drainings_); }

  /// How long the process has certainly run so far.
  [[nodiscard]] milliseconds awake() const { return awake_at(parts_.clock.now()); }

  /// Tells upstream of what was lost; after join().
  [[nodiscard]] asio::awaitable<void> report_losses(SteadyTime deadline);

  void stop() {
    // Else each one that waits would be begun in vain, and thousands may.
    gate_ = Gate::closed;
    tasks_.stop();
  }

  [[nodiscard]] asio::awaitable<void> join() { return tasks_.join(); }

 private:
  /// One request on its way.
  struct Flight : FlightFacts {
    explicit Flight(const asio::any_io_executor& executor) : moved(executor) {}

    SteadyTime begun{};
    SteadyTime deadline{};
    Wakeup moved;  ///< the deadline was moved
    Host* host = nullptr;
    bool probe = false;
    bool written_before = false;  ///< whole, and never answered
    bool waits = false;           ///< judged, but its answer may still come
    bool composing = false;       ///< nothing of it is on its way yet
    std::size_t bytes = 0;        ///< of the decoded body
    std::exception_ptr thrown;    ///< by the upstream
  };
  class Departure;  ///< an entry's marks while it is on its way

  using Answer = proto::Result<UpstreamAnswer>;

  void look_now();
  /// `before`: what the gate was.
  void expose_flights(Gate before);
  /// When to look again; nullopt: at once, when the loop has had its turn.
  std::optional<SteadyTime> start_due();
  [[nodiscard]] SendingNow sending() const;
  [[nodiscard]] milliseconds awake_at(SteadyTime present) const;
  [[nodiscard]] bool start(std::uint64_t id);
  void count_awake();
  asio::awaitable<void> deliver(std::unique_ptr<Departure> departure);
  /// nullptr: it is gone, or could not be had in time.
  asio::awaitable<Composer::Composed> compose(Departure& departure);
  void begin(Flight& flight);
  asio::awaitable<Answer> send(const ComposedRequest& composed, Flight& flight);
  asio::awaitable<Answer> attempt(const UpstreamRequest& request, Flight& flight);
  asio::awaitable<void> watch(Flight& flight);
  [[nodiscard]] bool is_warm(Flight& flight) const;
  void grant_grace(Flight& flight);
  void count_try(Entry& entry, Flight& flight);
  void count_left(const ComposedRequest& composed, const Flight& flight);
  void count_time(Host& host, const Flight& flight);

  asio::any_io_executor executor_;
  DeliverySettings settings_;
  Parts parts_;
  Judge judge_;
  Schedule schedule_;
  Composer composer_;
  LossReporter reporter_;
  Wakeup look_;
  TaskGroup tasks_;
  std::list<Flight> flights_;
  std::size_t bytes_in_flight_ = 0;  ///< of their bodies
  bool look_again_ = false;          ///< look_ was notified since the last look began
  SteadyTime next_look_ = SteadyTime::max();
  Gate gate_ = Gate::closed;
  SteadyTime closes_ = SteadyTime::max();
  bool begun_ = false;          ///< a request was, since the gate was set
  milliseconds late_since_{0};  ///< awake() when the gate was set to late
  bool soon_ = false;
  unsigned drainings_ = 0;           ///< how often the gate was set to draining
  std::uint64_t carried_below_ = 0;  ///< ids of what waited when the gate was set to carried
  milliseconds awake_{0};
  SteadyTime counted_;  ///< up to when awake_ counts
};

}  // namespace relay
