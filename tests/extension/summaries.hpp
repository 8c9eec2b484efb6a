// Lines as Thaw writes them at SHUTDOWN, made by what writes them.
#pragma once

#include <cstdint>
#include <string>

#include "relay/stats_json.hpp"

namespace extension_test {

/// Errors: of those accepted or recovered, what is neither delivered nor waiting is dropped.
struct Summary {
  std::uint64_t accepted = 0, recovered = 0, delivered = 0, dropped = 0, waiting = 0;
  std::int64_t held_ms = 0;
  std::uint64_t malformed = 0;  ///< requests
};

[[nodiscard]] inline relay::Snapshot snapshot_of(const Summary& figures) {
  const auto errors = [](std::uint64_t quantity) {
    proto::CategoryCounts counts;
    counts.add(proto::Category::error, quantity);
    return counts;
  };
  relay::Snapshot now;
  now.started = relay::WallTime{std::chrono::seconds{1'795'458'000}};
  now.now = now.started + std::chrono::minutes{1};
  now.stats.ledger.accept(errors(figures.accepted));
  now.stats.ledger.recover(errors(figures.recovered));
  now.stats.ledger.deliver(errors(figures.delivered));
  now.stats.ledger.drop(relay::DropReason::network_error, errors(figures.dropped));
  now.waiting = errors(figures.waiting);
  for (std::uint64_t i = 0; i < figures.malformed; ++i) {
    now.stats.ledger.reject(relay::RejectReason::malformed);
  }
  now.host.invokes = 1;
  now.host.held = {{"delivery", 1, relay::milliseconds{figures.held_ms}}};
  now.host.hold_time.add(relay::milliseconds{figures.held_ms});
  return now;
}

[[nodiscard]] inline std::string line_of(const Summary& figures) {
  return relay::to_json(snapshot_of(figures));
}

}  // namespace extension_test
