#include "relay/delivery.hpp"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <vector>

#include "relay/due.hpp"
#include "relay/errc.hpp"
#include "relay/limited_items.hpp"
#include "relay/retry_policy.hpp"

namespace relay {
namespace {

// Awake time is counted in slices no longer than this: a timer that fires late because of a freeze adds one
// slice, not the freeze.
constexpr milliseconds kSlice{50};
// After a thaw, what the socket already holds is read before a request is called cut: enough for the loop
// to decrypt an answer on a tenth of a CPU, short beside any function.
constexpr milliseconds kThawGrace{20};
// A timer this late was not late but frozen.
constexpr milliseconds kOverslept{250};
// The last byte is younger than this by wall clock: the answer may still be on its way.
constexpr milliseconds kStillWarm{1000};
// The pause between tries at the end, where waiting for a back-off would mean giving up.
constexpr milliseconds kDrainPause{100};
constexpr milliseconds kIdle{60000};

/// Gives a request's place at its host back, however its task ends.
class Place {
 public:
  Place(std::map<Endpoint, std::size_t>& busy, Endpoint endpoint)
      : busy_(busy), endpoint_(std::move(endpoint)) {}

  ~Place() {
    if (--busy_[endpoint_] == 0) busy_.erase(endpoint_);
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

 private:
  std::map<Endpoint, std::size_t>& busy_;
  Endpoint endpoint_;
};

}  // namespace

Delivery::Delivery(asio::any_io_executor executor, DeliverySettings settings, Parts parts)
    : executor_(executor),
      settings_(settings),
      parts_(parts),
      look_(executor),
      tasks_(executor, [this](std::exception_ptr failure) {
        ++parts_.stats.task_failures;
        parts_.log.once("delivery", LogLevel::error, "a delivery failed: " + describe(failure));
      }) {}

asio::awaitable<void> Delivery::run() {
  for (;;) {
    start_due();
    const SteadyTime before = parts_.clock.now();
    co_await look_.wait_until(parts_.clock, next_look());
    const auto passed = std::chrono::duration_cast<milliseconds>(parts_.clock.now() - before);
    awake_ += std::clamp(passed, milliseconds{0}, kSlice);
  }
}

void Delivery::start_due() {
  std::vector<std::uint64_t> leaving;
  std::map<Endpoint, std::size_t> taken = busy_;
  parts_.backlog.each_in_order([&](const Entry& entry) {
    std::size_t& places = taken[entry.destination->route.endpoint()];
    if (places < settings_.connections && may_leave(facts(entry), gate_, settings_.late)) {
      ++places;
      leaving.push_back(entry.id);
    }
    return true;
  });
  for (const auto id : leaving) {
    Entry* entry = parts_.backlog.find(id);
    if (entry == nullptr || drop_limited(*entry)) continue;
    parts_.backlog.set_in_flight(*entry, true);
    ++busy_[entry->destination->route.endpoint()];
    tasks_.spawn(deliver(id));
  }
}

std::size_t Delivery::in_flight() const {
  std::size_t count = 0;
  for (const auto& [endpoint, places] : busy_) count += places;
  return count;
}

milliseconds Delivery::pause_before(const Entry& entry) const {
  const auto length = gate_ == Gate::draining ? std::min(entry.back_off, kDrainPause) : entry.back_off;
  return remaining(entry.back_off_begun, length, parts_.clock.wall_now());
}

WaitingFacts Delivery::facts(const Entry& entry) const {
  return {pause_before(entry), awake_ - entry.awake_at_accept, entry.full_writes,
          entry.envelope.deduplicated_upstream()};
}

SteadyTime Delivery::next_look() const {
  milliseconds soonest = kIdle;
  parts_.backlog.each_in_order([&](const Entry& entry) {
    const auto waiting = facts(entry);
    if (waiting.back_off_left.count() > 0) soonest = std::min(soonest, waiting.back_off_left);
    if (gate_ == Gate::late && waiting.full_writes == 0) soonest = std::min(soonest, kSlice);
    return true;
  });
  return parts_.clock.now() + soonest;
}

std::size_t Delivery::due() const {
  std::size_t count = 0;
  parts_.backlog.each_in_order([&](const Entry& entry) {
    if (may_leave(facts(entry), Gate::open, settings_.late)) ++count;
    return true;
  });
  return count;
}

void Delivery::set_gate(Gate gate) {
  if (gate == Gate::late) {
    for (auto& flight : flights_) flight.frozen = true;
  }
  gate_ = gate;
  look_.notify();
}

void Delivery::thawed() {
  for (auto& flight : flights_) {
    if (flight.frozen) grant_grace(flight);
  }
  look_.notify();
}

void Delivery::expect_one() {
  if (gate_ == Gate::late) return;
  if (const Destination* likely = parts_.destinations.last_used()) {
    parts_.upstream.warm(likely->route.endpoint());
  }
}

asio::awaitable<void> Delivery::deliver(std::uint64_t id) {
  Entry* entry = parts_.backlog.find(id);
  if (entry == nullptr) co_return;
  const auto composed = compose(*entry, parts_.clock.wall_now());
  count_try(*entry, composed);
  {
    const Place place(busy_, composed.request.endpoint);
    const auto flight = flights_.emplace(flights_.end(), executor_);
    flight->frozen = gate_ == Gate::late;
    flight->deadline = parts_.clock.now() + settings_.request;
    const Answer answer = co_await send(composed.request, *flight);
    entry = parts_.backlog.find(id);
    if (entry != nullptr) {
      parts_.backlog.set_in_flight(*entry, false);
      answer ? answered(*entry, *answer, composed.zstd) : unanswered(*entry, *flight, answer.error());
    }
    flights_.erase(flight);
  }
  look_.notify();
  parts_.changed.notify();
}

void Delivery::count_try(Entry& entry, const ComposedRequest& composed) {
  ++parts_.stats.requests;
  if (++entry.tries > 1) ++parts_.stats.retries;
  if (entry.full_writes > 0) ++parts_.stats.possible_duplicates;
  parts_.stats.bytes_out += composed.body.size();
}

asio::awaitable<Delivery::Answer> Delivery::send(const UpstreamRequest& request, Flight& flight) {
  using asio::experimental::awaitable_operators::operator||;
  auto first = co_await (parts_.upstream.send(request, flight.progress) || watch(flight));
  if (first.index() == 1) co_return Errc::deadline_exceeded;
  co_return std::get<0>(std::move(first));
}

asio::awaitable<void> Delivery::watch(Flight& flight) {
  for (;;) {
    co_await flight.moved.wait_until(parts_.clock, flight.deadline);
    const auto late = parts_.clock.now() - flight.deadline;
    if (late < SteadyTime::duration{0}) continue;
    if (late < kOverslept || flight.judged) co_return;
    flight.frozen = true;
    grant_grace(flight);
  }
}

void Delivery::grant_grace(Flight& flight) {
  flight.judged = true;
  const bool warm = flight.progress.last_byte != WallTime{} &&
                    age(flight.progress.last_byte, parts_.clock.wall_now()) < kStillWarm;
  const milliseconds grace = warm ? std::min(kStillWarm, settings_.budget) : kThawGrace;
  flight.deadline = parts_.clock.now() + grace;
  flight.moved.notify();
}

void Delivery::answered(Entry& entry, const UpstreamAnswer& answer, bool zstd) {
  Destination& destination = *entry.destination;
  const WallTime now = parts_.clock.wall_now();
  if (!answer.rate_limits.empty()) destination.limits.learn(answer.rate_limits, now);
  switch (outcome_of(answer.status, zstd)) {
    case Outcome::delivered: parts_.backlog.deliver(entry.id); break;
    case Outcome::refused:
      parts_.log.once("refused " + proto::to_public_string(destination.route.dsn), LogLevel::warn,
                      "upstream refused an envelope with status " + std::to_string(answer.status) +
                          " for " + proto::to_public_string(destination.route.dsn) +
                          "; check that key and project are those of the DSN in Sentry");
      parts_.backlog.refuse(entry.id, answer.status);
      break;
    case Outcome::rate_limited: rate_limited(entry, answer); break;
    case Outcome::recompress: parts_.destinations.fall_back_to_gzip(destination.route.endpoint()); break;
    case Outcome::retry: back_off_from(entry); break;
    case Outcome::retry_once: server_failed(entry); break;
  }
}

void Delivery::rate_limited(Entry& entry, const UpstreamAnswer& answer) {
  constexpr unsigned kTooManyRequests = 429;
  const WallTime now = parts_.clock.wall_now();
  auto& limits = entry.destination->limits;
  if (answer.rate_limits.empty()) {
    limits.learn_bare_429(answer.retry_after, now);
    parts_.backlog.refuse(entry.id, kTooManyRequests);
    return;
  }
  // A 429 is partial: what no limit names was taken (getsentry/relay: relay-server/src/endpoints/common.rs).
  const auto flagged = limited_items(entry.envelope, limits, now);
  const std::uint64_t id = entry.id;
  if (std::ranges::find(flagged, true) != flagged.end()) {
    parts_.backlog.refuse_items(id, flagged, kTooManyRequests);
  }
  if (parts_.backlog.find(id) != nullptr) parts_.backlog.deliver(id);
}

void Delivery::server_failed(Entry& entry) {
  if (++entry.server_errors > 1) {
    parts_.backlog.drop(entry.id, DropReason::send_error);
    return;
  }
  back_off_from(entry);
}

void Delivery::unanswered(Entry& entry, const Flight& flight, boost::system::error_code why) {
  ++parts_.stats.failures;
  if (flight.frozen) ++parts_.stats.cuts;
  if (flight.progress.fully_written &&
      ++entry.full_writes > resend_limit(entry.envelope.deduplicated_upstream())) {
    parts_.backlog.drop(entry.id, DropReason::network_error);
    return;
  }
  // A cut, or a kept connection that had died meanwhile, says nothing about the upstream.
  if (flight.frozen || flight.progress.reused_connection) return;
  parts_.log.once("unanswered", LogLevel::warn,
                  "no answer from " + entry.destination->route.dsn.host + ": " + why.message() +
                      "; events are kept and sent again later");
  back_off_from(entry);
}

void Delivery::back_off_from(Entry& entry) {
  entry.back_off = back_off(++entry.failures, parts_.random());
  entry.back_off_begun = parts_.clock.wall_now();
}

bool Delivery::drop_limited(Entry& entry) {
  const auto flagged = limited_items(entry.envelope, entry.destination->limits, parts_.clock.wall_now());
  if (std::ranges::find(flagged, true) == flagged.end()) return false;
  const std::uint64_t id = entry.id;
  parts_.backlog.drop_items(id, flagged, DropReason::ratelimit_backoff);
  parts_.changed.notify();
  return parts_.backlog.find(id) == nullptr;
}

}  // namespace relay
