#include "relay/delivery.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "relay/errc.hpp"

namespace relay {
namespace {

// After a thaw, what the socket already holds is read before a request is called cut: enough for
// the loop to decrypt an answer on a tenth of a CPU, short beside any function.
constexpr milliseconds kThawGrace{20};
// A timer this late was not late but frozen.
constexpr milliseconds kOverslept{250};
// How long an answer that may still be on its way is waited for after a thaw, at most.
constexpr milliseconds kLongestGrace{1000};
// A limit may take ten thousand out of what waits, each of which is read for that: the loop has its
// turn in between.
constexpr std::size_t kReadsPerTurn = 32;
// The same of bytes: one of them may be just below what is read some a turn.
constexpr std::size_t kReadBytesPerTurn = 256UL * 1024;

bool freeze_may_come(Gate gate) { return gate == Gate::early || gate == Gate::late; }

}  // namespace

/// Made before the task that sends, and gone when that has ended, even if it never began.
class Delivery::Departure {
 public:
  Departure(Delivery& delivery, Entry& entry)
      : delivery_(delivery),
        id_(entry.id),
        host_(*entry.destination->host),
        flight_(delivery.flights_.emplace(delivery.flights_.end(), delivery.executor_)) {
    delivery_.begin(*flight_);
    flight_->bytes = entry.bytes;
    delivery_.bytes_in_flight_ += entry.bytes;
    flight_->host = &host_;
    delivery_.begun_ = true;
    // At the end each has its one try: those are no probes, and may be many.
    if (host_.breaker.open() && delivery_.gate_ != Gate::draining) {
      flight_->probe = true;
      host_.breaker.probe_begun(delivery_.parts_.clock.wall_now());
      ++delivery_.parts_.stats.probes;
    }
    if (delivery_.gate_ == Gate::draining) entry.tried_at_end = delivery_.drainings_;
    entry.maybe_cut = false;
    entry.in_flight = true;
    if (entry.check_in) check_ins_ = entry.destination;
    if (check_ins_ != nullptr) check_ins_->check_in_flight = true;
    ++host_.in_flight;
  }

  ~Departure() {
    delivery_.bytes_in_flight_ -= flight_->bytes;
    delivery_.flights_.erase(flight_);
    --host_.in_flight;
    if (check_ins_ != nullptr) check_ins_->check_in_flight = false;
    if (Entry* left = entry()) {
      left->in_flight = false;
      // Our own failure comes back as fast as we let it.
      if (!judged_) delivery_.judge_.back_off_from(*left);
    }
    delivery_.look_now();
    delivery_.parts_.changed.notify();
  }

  Departure(const Departure&) = delete;
  Departure& operator=(const Departure&) = delete;

  /// nullptr if it has met its fate meanwhile.
  [[nodiscard]] Entry* entry() const { return delivery_.parts_.backlog.find(id_); }

  [[nodiscard]] Flight& flight() const { return *flight_; }

  void judged() { judged_ = true; }

 private:
  Delivery& delivery_;
  std::uint64_t id_;
  Host& host_;
  Destination* check_ins_ = nullptr;  ///< whose turn it is, if this is one
  std::list<Flight>::iterator flight_;
  bool judged_ = false;
};

Delivery::Delivery(asio::any_io_executor executor, DeliverySettings settings, Parts parts)
    : executor_(executor),
      settings_(settings),
      parts_(parts),
      judge_(parts.clock, parts.log, parts.backlog, parts.stats, parts.random),
      schedule_(settings, parts.clock, parts.backlog, parts.destinations),
      composer_(executor, parts.clock, parts.backlog, judge_),
      reporter_(executor, parts.clock, parts.upstream, parts.stats),
      look_(executor),
      tasks_(executor,
             [this](std::exception_ptr failure) {
               ++parts_.stats.task_failures;
               parts_.log.once("delivery", LogLevel::error,
                               "a delivery failed: " + describe(failure));
             }),
      counted_(parts_.clock.now()) {}

asio::awaitable<void> Delivery::run() {
  for (;;) {
    count_awake();
    look_again_ = false;
    const auto again = start_due();
    if (!again) {
      co_await asio::post(executor_, asio::use_awaitable);
    } else if (!look_again_) {
      // A request may have ended while it was begun.
      next_look_ = *again;
      co_await look_.wait_until(parts_.clock, *again);
    }
  }
}

void Delivery::look_now() {
  look_again_ = true;
  look_.notify();
}

// If it has to wait like the others, nobody needs to be looked at: in a burst that may not leave
// each one would be for each that comes.
void Delivery::accepted() {
  if (look_again_) return;
  Entry* const newest = parts_.backlog.newest();
  const SteadyTime present = parts_.clock.now();
  SendingNow now = sending();
  now.awake = awake_at(present);
  const bool waits =
      newest != nullptr && present + schedule_.until_leaving(*newest, now) >= next_look_;
  if (!waits) look_now();
}

milliseconds Delivery::awake_at(SteadyTime present) const {
  const auto passed = std::chrono::duration_cast<milliseconds>(present - counted_);
  return awake_ + std::clamp(passed, milliseconds{0}, kAwakeSlice);
}

void Delivery::count_awake() {
  const milliseconds before = awake_;
  awake_ = awake();
  // What is less than a millisecond counts next time; what is more than a slice never.
  const milliseconds counted = awake_ - before;
  counted_ = counted < kAwakeSlice ? counted_ + counted : parts_.clock.now();
}

std::optional<SteadyTime> Delivery::start_due() {
  std::size_t bytes = 0;
  for (std::size_t reads = 0; reads < kReadsPerTurn;) {
    const Schedule::Survey found = schedule_.survey(sending());
    reads += found.leaving.size();
    bool all_left = true;
    for (const auto id : found.leaving) {
      if (bytes >= kReadBytesPerTurn) return std::nullopt;
      const Entry* const next = parts_.backlog.find(id);
      if (next != nullptr) bytes += judge_.bytes_to_read(*next);
      all_left = start(id) && all_left;
    }
    // A limit took one that had a place, or its urgent items: the place is for the next.
    if (all_left) return parts_.clock.now() + found.again;
  }
  return std::nullopt;
}

bool Delivery::start(std::uint64_t id) {
  Entry* entry = parts_.backlog.find(id);
  if (entry == nullptr) return false;
  const proto::Urgency urgency = entry->urgency;
  if (judge_.drop_limited(*entry)) {
    parts_.changed.notify();
    return false;
  }
  // What is left of it may no longer be the most urgent.
  if (entry->urgency != urgency) return false;
  tasks_.spawn(deliver(std::make_unique<Departure>(*this, *entry)));
  return true;
}

SendingNow Delivery::sending() const {
  return {gate_,  awake_,      flights_.size(), bytes_in_flight_, closes_,
          begun_, late_since_, soon_,           carried_below_,   drainings_};
}

Work Delivery::work() const {
  const Schedule::Due due = schedule_.due(sending());
  Work work;
  work.due = due.envelopes;
  work.probes = due.probes;
  for (const auto& flight : flights_) ++(flight.probe ? work.probes : work.in_flight);
  return work;
}

void Delivery::set_gate(Gate gate) {
  const Gate before = gate_;
  freeze_may_come(gate) ? reporter_.hush() : reporter_.allow();
  if (gate == Gate::draining && gate_ != gate) ++drainings_;
  if (gate == Gate::carried) carried_below_ = parts_.backlog.next_id();
  if (gate == Gate::late) late_since_ = awake();
  gate_ = gate;
  closes_ = SteadyTime::max();
  begun_ = false;
  look_now();
  // Last: to blame a host takes memory.
  if (freeze_may_come(gate)) expose_flights(before);
}

void Delivery::expose_flights(Gate before) {
  for (auto& flight : flights_) flight.exposed = true;
  std::set<Host*> blamed;
  for (auto& flight : flights_) {
    // The host knows nothing of it.
    if (flight.composing) continue;
    // What is still under way when the host turns to the next event had all the time there was.
    if (before != Gate::open && before != Gate::carried) continue;
    flight.given_up = true;
    if (flight.blamed || parts_.clock.now() - flight.begun < settings_.budget / 2) continue;
    // Most of a hold in vain is a failure already, whatever becomes of the request; one a hold.
    flight.blamed = true;
    if (blamed.insert(flight.host).second) judge_.gave_up(*flight.host);
  }
}

void Delivery::closes_at(SteadyTime time) {
  if (std::exchange(closes_, time) != time) look_now();
}

void Delivery::expect_soon(bool soon) {
  soon_ = soon;
  look_now();
}

void Delivery::thawed() {
  for (auto& flight : flights_) {
    if (flight.exposed && !flight.composing) grant_grace(flight);
  }
  judge_.thawed();
  look_now();
}

void Delivery::expect_one() {
  // Where it will not leave at once, the connection may be dead when it does.
  if (gate_ == Gate::closed || gate_ == Gate::carried || gate_ == Gate::late) return;
  const Destination* const likely = parts_.destinations.last_used();
  if (likely != nullptr && schedule_.has_place(*likely->host, sending())) {
    parts_.upstream.warm(likely->host->endpoint);
  }
}

asio::awaitable<Composer::Composed> Delivery::compose(Departure& departure) {
  const Entry* const entry = departure.entry();
  if (entry == nullptr) co_return nullptr;
  if (!Composer::is_large(*entry)) co_return composer_.compose(*entry);
  departure.flight().composing = true;
  auto composed = co_await composer_.compose_large(entry->id, settings_.request);
  // Its time as a request begins when it is ready to leave.
  begin(departure.flight());
  co_return composed;
}

asio::awaitable<void> Delivery::deliver(std::unique_ptr<Departure> departure) {
  auto composed = co_await compose(*departure);
  Entry* entry = departure->entry();
  if (!composed || entry == nullptr) co_return;
  if (!schedule_.may_go_on(*entry, sending())) {
    // The gate was set while a large one was composed.
    departure->judged();
    co_return;
  }
  Flight& flight = departure->flight();
  count_try(*entry, flight);
  const Answer answer = co_await send(*composed, flight);
  entry = departure->entry();
  if (flight.thrown) {
    if (entry != nullptr) judge_.broke(*entry, flight);
    std::rethrow_exception(flight.thrown);
  }
  if (entry == nullptr) co_return;
  Destination& destination = *entry->destination;
  const bool through = answer && outcome_of(answer->status, composed->zstd) == Outcome::delivered;
  if (answer) {
    count_time(*destination.host, flight);
    judge_.answered(*entry, *answer, composed->zstd);
  } else {
    judge_.unanswered(*entry, flight, answer.error());
  }
  departure->judged();
  // A report is no work that anybody waits for.
  departure.reset();
  // The journal's file and the request's memory: of large ones each takes milliseconds to go.
  if (composed->body.size() > kLargeBody) co_await asio::post(executor_, asio::use_awaitable);
  composed.reset();
  if (through) co_await reporter_.follow(destination);
}

asio::awaitable<void> Delivery::report_losses(SteadyTime deadline) {
  return reporter_.finish(parts_.destinations, deadline);
}

void Delivery::begin(Flight& flight) {
  flight.composing = false;
  flight.exposed = freeze_may_come(gate_);
  flight.begun = parts_.clock.now();
  flight.deadline = flight.begun + settings_.request;
}

void Delivery::count_try(Entry& entry, Flight& flight) {
  ++parts_.stats.requests;
  if (++entry.tries > 1) ++parts_.stats.retries;
  flight.written_before = entry.full_writes > 0;
}

/// Not what got no connection: nothing of that has left.
void Delivery::count_left(const ComposedRequest& composed, const Flight& flight) {
  parts_.stats.bytes_out += composed.body.size();
  if (flight.written_before) ++parts_.stats.possible_duplicates;
}

void Delivery::count_time(Host& host, const Flight& flight) {
  // A freeze is no part of it: what lies across one tells nothing.
  if (flight.exposed) return;
  const auto took = parts_.clock.now() - flight.begun;
  host.usual = std::chrono::duration_cast<milliseconds>(took);
  parts_.stats.answer_time.add(took);
}

asio::awaitable<Delivery::Answer> Delivery::send(const ComposedRequest& composed, Flight& flight) {
  using asio::experimental::awaitable_operators::operator||;
  auto first = co_await (attempt(composed.request, flight) || watch(flight));
  Answer answer = Errc::deadline_exceeded;
  if (first.index() == 0) answer = std::get<0>(std::move(first));
  if (answer || flight.progress.fully_written) count_left(composed, flight);
  co_return answer;
}

/// An exception as a value: thrown, it would keep operator|| waiting for the deadline.
asio::awaitable<Delivery::Answer> Delivery::attempt(const UpstreamRequest& request,
                                                    Flight& flight) {
  std::exception_ptr thrown;
  try {
    co_return co_await parts_.upstream.send(request, flight.progress);
  } catch (...) {
    thrown = std::current_exception();
  }
  // Cancelled, by its deadline or by the end, it may throw: that is no failure.
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() == asio::cancellation_type::none) flight.thrown = std::move(thrown);
  co_return boost::system::error_code(asio::error::operation_aborted);
}

/// Returns when the request has had its time, or early when cancelled.
asio::awaitable<void> Delivery::watch(Flight& flight) {
  for (;;) {
    co_await flight.moved.wait_until(parts_.clock, flight.deadline);
    if ((co_await asio::this_coro::cancellation_state).cancelled() !=
        asio::cancellation_type::none) {
      co_return;
    }
    const auto late = parts_.clock.now() - flight.deadline;
    if (late < SteadyTime::duration{0}) continue;
    // Overslept, it was frozen; and what has been written since the thaw was not in time to be cut.
    const bool goes_on = flight.judged ? !flight.waits && is_warm(flight) : late >= kOverslept;
    if (!goes_on) co_return;
    grant_grace(flight);
  }
}

// By wall clock an answer may be as old as any: no connection dies of so short a silence, and what
// the peer sent into a freeze it sends again.
bool Delivery::is_warm(Flight& flight) const {
  const WallTime now = parts_.clock.wall_now();
  // A clock that stepped back makes it young once, not until the clock is where it was.
  WallTime& last_byte = flight.progress.last_byte;
  last_byte = std::min(last_byte, now);
  return last_byte != WallTime{} && age(last_byte, now) < settings_.request;
}

void Delivery::grant_grace(Flight& flight) {
  flight.judged = true;
  flight.waits = is_warm(flight);
  const milliseconds grace = flight.waits ? std::min(kLongestGrace, settings_.budget) : kThawGrace;
  flight.deadline = parts_.clock.now() + grace;
  flight.moved.notify();
}

}  // namespace relay
