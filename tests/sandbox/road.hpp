// The network between an environment and the upstream: latency, and what a freeze does to it.
//
// A client connects to a real loopback socket; behind it its bytes travel RTT/2 to a socket pair
// whose other end the upstream serves, TLS and HTTP included. Bytes the road has read are on their
// way and arrive whatever becomes of the client; bytes still in the client's socket share its fate.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "tests/sandbox/condition.hpp"
#include "tests/sandbox/frost.hpp"
#include "tests/sandbox/recorder.hpp"
#include "tests/sandbox/task_group.hpp"

namespace sandbox {

struct RoadOptions {
  std::chrono::microseconds round_trip{0};
  bool cut = false;                        ///< connections die in a freeze
  std::chrono::milliseconds cut_after{0};  ///< so long into it
};

/// What upstream and road tell each other about one connection beyond its bytes.
struct Lane {
  bool reset_by_upstream = false;  ///< when upstream's end closes, the client gets RST, not FIN
};

/// Bytes in flight in one direction.
class Belt {
 public:
  Belt(asio::io_context& io, std::chrono::microseconds delay) : changed_(io), delay_(delay) {}

  /// Waits while too much is in flight. An empty string means the end.
  asio::awaitable<void> put(std::string bytes);
  void end();
  /// The next bytes when they arrive; "" at the end.
  asio::awaitable<std::string> take();

 private:
  struct Parcel {
    SteadyTime arrives;
    std::string bytes;
  };

  Condition changed_;
  std::chrono::microseconds delay_;
  std::deque<Parcel> parcels_;
  std::size_t in_flight_ = 0;
};

class Road {
 public:
  using Client = asio::ip::tcp::socket;
  using Upstream = asio::local::stream_protocol::socket;

  Road(asio::io_context& io, TaskGroup& tasks, Frost& frost, UpstreamCounters& counters,
       RoadOptions options);

  /// Carries one connection until both directions have ended. `lane` outlives it.
  asio::awaitable<void> carry(Client client, Upstream upstream, Lane& lane);

  void frozen();
  /// The environment is gone, and its kernel's socket buffers with it.
  void cut_all();

 private:
  struct Trip {
    Trip(asio::io_context& io, Client from, Upstream to, Lane& its_lane,
         std::chrono::microseconds delay)
        : client(std::move(from)),
          upstream(std::move(to)),
          lane(its_lane),
          up(io, delay),
          down(io, delay) {}

    Client client;
    Upstream upstream;
    Lane& lane;
    Belt up, down;
    bool cut = false;  ///< by a freeze or the environment's end
    bool answer_lost = false;
  };

  asio::awaitable<void> leave(Trip& trip);
  asio::awaitable<void> reach_upstream(Trip& trip);
  asio::awaitable<void> leave_upstream(Trip& trip);
  asio::awaitable<void> arrive(Trip& trip);
  asio::awaitable<bool> write_to_client(Trip& trip, std::string bytes);
  asio::awaitable<void> cut_later(std::uint64_t freeze);

  asio::io_context& io_;
  TaskGroup& tasks_;
  Frost& frost_;
  UpstreamCounters& counters_;
  RoadOptions options_;
  std::uint64_t freezes_ = 0;
  std::list<Trip*> trips_;
};

}  // namespace sandbox
