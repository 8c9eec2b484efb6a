// The sections of the page, each markup of its own.
#pragma once

#include <string>

#include "relay/snapshot.hpp"

namespace relay {

/// From accepted to each fate, by category, and what waits.
[[nodiscard]] std::string page_flow(const Snapshot& snapshot);
/// The last invokes with their freezes, holds and deliveries; "" where there are none.
[[nodiscard]] std::string page_timeline(const Snapshot& snapshot);
/// How long things took.
[[nodiscard]] std::string page_latency(const Snapshot& snapshot);
/// Hosts, limits, connections.
[[nodiscard]] std::string page_upstream(const Snapshot& snapshot);
/// The process, its journal and its settings.
[[nodiscard]] std::string page_process(const Snapshot& snapshot);

}  // namespace relay
