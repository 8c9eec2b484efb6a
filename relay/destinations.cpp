#include "relay/destinations.hpp"

namespace relay {

Destination* Destinations::find_or_add(const Route& route) {
  for (const auto& entry : entries_) {
    if (entry->route.dsn == route.dsn) return last_used_ = entry.get();
  }
  if (entries_.size() >= max_) return nullptr;
  entries_.push_back(std::make_unique<Destination>());
  last_used_ = entries_.back().get();
  last_used_->route = route;
  last_used_->compression = compression_;
  return last_used_;
}

void Destinations::fall_back_to_gzip(const Endpoint& endpoint) {
  for (const auto& entry : entries_) {
    if (entry->route.endpoint() == endpoint) entry->compression = Compression::gzip;
  }
}

}  // namespace relay
