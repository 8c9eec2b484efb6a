// The snapshot as JSON: /stats, and the line at SHUTDOWN.
#pragma once

#include <string>

#include "relay/snapshot.hpp"

namespace relay {

/// Counts up with every change that a reader of stats.schema.json could not have foreseen; new
/// members are none.
inline constexpr unsigned kStatsSchema = 1;

/// One object on one line, as stats.schema.json describes it. Categories that never saw an item,
/// reasons that never applied and buckets that are empty are left out.
[[nodiscard]] std::string to_json(const Snapshot& snapshot);

}  // namespace relay
