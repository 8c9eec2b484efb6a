// What the relay shows of itself: one structure, its views.
#pragma once

#include <string>

#include "relay/journal.hpp"
#include "relay/relay.hpp"
#include "relay/stats.hpp"

namespace relay {

/// The moment's figures that no counter holds.
struct Moment {
  proto::CategoryCounts waiting;
  std::size_t envelopes_waiting = 0;
  std::size_t bytes_waiting = 0;
  Work work;
  Journal::Figures journal;
  std::string host_members;  ///< further members of the object, "" or starting with a comma
};

/// GET /stats: {"version":…,"durable":…,"items":{category:{accepted,…}},…}. Categories that never
/// saw an item are left out.
[[nodiscard]] std::string to_json(const Stats& stats, const Moment& moment);

}  // namespace relay
