// Idle connections, and which of them may carry another request.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "relay/clock.hpp"
#include "relay/connection.hpp"
#include "relay/upstream.hpp"

namespace relay {

class ConnectionPool {
 public:
  /// A connection is kept for `reuse` of wall time, `most` in all. `clock` outlives the pool.
  ConnectionPool(const Clock& clock, milliseconds reuse, std::size_t most)
      : clock_(clock), reuse_(reuse), most_(most) {}

  /// The one used last that is young enough and quiet; null if there is none. Those that are not
  /// are closed.
  [[nodiscard]] std::unique_ptr<Connection> take(const Endpoint& endpoint);
  /// When full, the longest idle is closed.
  void put(Endpoint endpoint, std::unique_ptr<Connection> connection);
  /// A connection to `endpoint` that take() would give.
  [[nodiscard]] bool has(const Endpoint& endpoint);

  void clear() { idle_.clear(); }

  /// Closes what is idle there.
  void clear(const Endpoint& endpoint) {
    std::erase_if(idle_, [&](const Idle& idle) { return idle.endpoint == endpoint; });
  }

  [[nodiscard]] std::size_t size() const { return idle_.size(); }

 private:
  struct Idle {
    Endpoint endpoint;
    std::unique_ptr<Connection> connection;
    WallTime since;
  };

  void close_old();

  const Clock& clock_;
  milliseconds reuse_;
  std::size_t most_;
  std::vector<Idle> idle_;  ///< the longest idle first
};

}  // namespace relay
