#include "relay/destinations.hpp"

#include <algorithm>

namespace relay {

Destination* Destinations::find_or_add(const Route& route) {
  for (const auto& entry : entries_) {
    if (entry->route.dsn == route.dsn) return last_used_ = entry.get();
  }
  const bool expected = std::ranges::find(expected_, route.dsn) != expected_.end();
  if (entries_.size() + (expected ? 0 : expected_.size()) >= max_) return nullptr;
  auto added = std::make_unique<Destination>();
  added->route = route;
  added->dsn = proto::to_string(route.dsn);
  added->host = host_of(route.endpoint());
  entries_.push_back(std::move(added));
  std::erase(expected_, route.dsn);  // now that it has its place
  return last_used_ = entries_.back().get();
}

void Destinations::forget() {
  for (const auto& entry : entries_) {
    entry->limits = {};
    entry->losses = {};
    entry->reported_at.reset();
  }
  for (const auto& host : hosts_) {
    host->breaker = Breaker(breaker_failures_);
    host->compression = compression_;
  }
}

Host* Destinations::host_of(const Endpoint& endpoint) {
  for (const auto& host : hosts_) {
    if (host->endpoint == endpoint) return host.get();
  }
  hosts_.push_back(
      std::make_unique<Host>(Host{endpoint, compression_, Breaker(breaker_failures_)}));
  return hosts_.back().get();
}

}  // namespace relay
