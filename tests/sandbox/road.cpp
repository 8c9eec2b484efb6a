#include "tests/sandbox/road.hpp"

#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "tests/sandbox/sockets.hpp"

namespace sandbox {
namespace {

using boost::system::error_code;

/// As much as a generous TCP window lets travel at once, each way.
constexpr std::size_t kWindow = std::size_t{4} << 20;

}  // namespace

asio::awaitable<void> Belt::put(std::string bytes) {
  co_await changed_.until([this] { return in_flight_ < kWindow; });
  in_flight_ += bytes.size();
  parcels_.push_back({std::chrono::steady_clock::now() + delay_, std::move(bytes)});
  changed_.notify();
}

void Belt::end() {
  parcels_.push_back({std::chrono::steady_clock::now() + delay_, {}});
  changed_.notify();
}

asio::awaitable<std::string> Belt::take() {
  co_await changed_.until([this] { return !parcels_.empty(); });
  const SteadyTime arrives = parcels_.front().arrives;
  co_await changed_.until([] { return false; }, arrives);
  std::string bytes = std::move(parcels_.front().bytes);
  parcels_.pop_front();
  in_flight_ -= bytes.size();
  changed_.notify();
  co_return bytes;
}

Road::Road(asio::io_context& io, TaskGroup& tasks, Frost& frost, UpstreamCounters& counters,
           RoadOptions options)
    : io_(io), tasks_(tasks), frost_(frost), counters_(counters), options_(options) {}

asio::awaitable<void> Road::carry(Client client, Upstream upstream, Lane& lane) {
  using asio::experimental::awaitable_operators::operator&&;
  Trip trip(io_, std::move(client), std::move(upstream), lane, options_.round_trip / 2);
  error_code ignored;
  trip.client.non_blocking(true, ignored);
  trip.client.set_option(asio::ip::tcp::no_delay(true), ignored);
  const auto place = trips_.insert(trips_.end(), &trip);

  struct Leave {
    std::list<Trip*>& trips;
    std::list<Trip*>::iterator place;

    ~Leave() { trips.erase(place); }
  } const on_leaving{trips_, place};

  co_await (leave(trip) && reach_upstream(trip) && leave_upstream(trip) && arrive(trip));
}

/// Client's socket -> belt. Stops looking at the socket while the client is frozen.
asio::awaitable<void> Road::leave(Trip& trip) {
  co_await frost_.sleep_awake(options_.round_trip);  // SYN and SYN/ACK
  std::array<char, 65536> chunk;
  while (!trip.cut) {
    co_await frost_.thawed();
    error_code failed;
    co_await trip.client.async_wait(Client::wait_read,
                                    asio::redirect_error(asio::use_awaitable, failed));
    if (trip.cut || !trip.client.is_open()) break;
    if (frost_.frozen() || failed == asio::error::operation_aborted) continue;
    const std::size_t size = trip.client.read_some(asio::buffer(chunk), failed);
    if (failed == asio::error::would_block) continue;
    if (failed) break;
    co_await trip.up.put(std::string(chunk.data(), size));
  }
  trip.up.end();
}

asio::awaitable<void> Road::reach_upstream(Trip& trip) {
  error_code failed;
  for (;;) {
    const std::string bytes = co_await trip.up.take();
    if (bytes.empty()) break;
    if (!failed)
      co_await asio::async_write(trip.upstream, asio::buffer(bytes),
                                 asio::redirect_error(asio::use_awaitable, failed));
  }
  error_code ignored;
  trip.upstream.shutdown(Upstream::shutdown_send, ignored);
}

asio::awaitable<void> Road::leave_upstream(Trip& trip) {
  std::array<char, 65536> chunk;
  for (;;) {
    error_code failed;
    const std::size_t size = co_await trip.upstream.async_read_some(
        asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, failed));
    if (failed) break;
    co_await trip.down.put(std::string(chunk.data(), size));
  }
  trip.down.end();
}

/// Belt -> client's socket, frozen or not: its kernel keeps what the process cannot read yet.
asio::awaitable<void> Road::arrive(Trip& trip) {
  bool reachable = true;
  for (;;) {
    std::string bytes = co_await trip.down.take();
    if (bytes.empty()) break;
    if (reachable) reachable = co_await write_to_client(trip, std::move(bytes));
    if (!reachable && trip.cut && !std::exchange(trip.answer_lost, true)) ++counters_.answers_lost;
  }
  if (trip.lane.reset_by_upstream) {
    reset(trip.client);
  } else {
    error_code ignored;
    trip.client.shutdown(Client::shutdown_send, ignored);
  }
}

asio::awaitable<bool> Road::write_to_client(Trip& trip, std::string bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    if (trip.cut || !trip.client.is_open()) co_return false;
    error_code failed;
    done += trip.client.write_some(asio::buffer(bytes.data() + done, bytes.size() - done), failed);
    if (failed && failed != asio::error::would_block) co_return false;
    if (failed)
      co_await trip.client.async_wait(Client::wait_write,
                                      asio::redirect_error(asio::use_awaitable, failed));
  }
  co_return true;
}

void Road::frozen() {
  ++freezes_;
  for (Trip* trip : trips_) {
    error_code ignored;
    if (trip->client.is_open()) trip->client.cancel(ignored);  // leave() looks up and waits
  }
  if (!options_.cut) return;
  if (options_.cut_after.count() == 0) return cut_all();
  tasks_.spawn(cut_later(freezes_));
}

asio::awaitable<void> Road::cut_later(std::uint64_t freeze) {
  co_await sleep_for(io_, options_.cut_after);
  if (frost_.frozen() && freezes_ == freeze) cut_all();
}

void Road::cut_all() {
  for (Trip* trip : trips_) {
    if (trip->cut || !trip->client.is_open()) continue;
    trip->cut = true;
    ++counters_.connections_cut;
    reset(trip->client);
  }
}

}  // namespace sandbox
