#include "relay/connection_pool.hpp"

#include <utility>

namespace relay {

std::unique_ptr<Connection> ConnectionPool::take(const Endpoint& endpoint) {
  if (!has(endpoint)) return nullptr;
  for (auto idle = idle_.end(); idle != idle_.begin();) {
    if ((--idle)->endpoint != endpoint) continue;
    auto connection = std::move(idle->connection);
    idle_.erase(idle);
    return connection;
  }
  return nullptr;
}

void ConnectionPool::put(Endpoint endpoint, std::unique_ptr<Connection> connection) {
  close_old();
  if (idle_.size() >= most_) idle_.erase(idle_.begin());
  idle_.push_back({std::move(endpoint), std::move(connection), clock_.wall_now()});
}

bool ConnectionPool::has(const Endpoint& endpoint) {
  close_old();
  for (auto idle = idle_.end(); idle != idle_.begin();) {
    if ((--idle)->endpoint != endpoint) continue;
    if (idle->connection->quiet()) return true;
    idle = idle_.erase(idle);
  }
  return false;
}

void ConnectionPool::close_old() {
  const WallTime now = clock_.wall_now();
  // After a step back nobody knows their age: a new connection costs less than a request into one
  // that a balancer has forgotten.
  std::erase_if(
      idle_, [&](const Idle& idle) { return now < idle.since || age(idle.since, now) >= reuse_; });
}

}  // namespace relay
