// All figures of one moment, ours and our host's: what /stats, /metrics, the page and the log lines
// are views of. None of them counts or asks for anything itself, so they agree.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/category.hpp"
#include "relay/histogram.hpp"
#include "relay/journal.hpp"
#include "relay/relay.hpp"
#include "relay/stats.hpp"
#include "relay/upstream_stats.hpp"

namespace relay {

/// What whoever runs the relay knows beyond it. Its times are wall times: freezes lie between them.
struct HostFigures {
  struct Held {
    std::string_view what;  ///< what for
    std::uint64_t invokes = 0;
    milliseconds time{0};
  };

  struct Invoke {
    std::string request_id;
    WallTime begun;
    std::optional<WallTime> ended;     ///< the function's end; nullopt: not known
    WallTime asked;                    ///< for the next event: from then on a freeze may come
    std::optional<milliseconds> held;  ///< nullopt: the function's end is not known
    std::string_view held_for;
    std::uint64_t accepted = 0;   ///< envelopes, since the invoke before it had asked
    std::uint64_t delivered = 0;  ///< the same
  };

  /// In effect: as the environment would write it, nothing secret.
  struct Setting {
    std::string name;
    std::string value;
    bool is_default = true;
  };

  struct Telemetry {
    std::string_view state = "off";
    std::uint64_t batches = 0;
    std::uint64_t ignored = 0;
    std::uint64_t unparsable = 0;
    std::uint64_t other_request = 0;
  };

  bool disabled = false;  ///< everything is answered as accepted, and dropped
  std::string_view pace = "continuous";
  std::uint64_t invokes = 0;
  std::vector<Held> held;  ///< one for each thing that may be waited for
  std::uint64_t held_unknown = 0;
  Histogram hold_time;         ///< of the invokes whose end is known
  std::vector<Invoke> recent;  ///< the oldest first
  std::uint64_t failures_reported = 0;
  std::uint64_t failures_unreported = 0;
  std::uint64_t platform_retries = 0;
  Telemetry telemetry;
  std::vector<Setting> settings;

  /// Whatever it was for.
  [[nodiscard]] Held held_in_all() const {
    Held all;
    for (const auto& each : held) {
      all.invokes += each.invokes;
      all.time += each.time;
    }
    return all;
  }
};

/// One upstream host.
struct HostState {
  std::string name;  ///< "https://o1.ingest.us.sentry.io:443"
  bool breaker_open = false;
  milliseconds next_probe{0};  ///< at least until then, while it is open
  std::size_t in_flight = 0;
  milliseconds usual{0};  ///< how long its last answer took
};

/// Something that one upstream does not want for now.
struct LimitInForce {
  std::string dsn;       ///< its key shortened
  std::string category;  ///< "": all of them
  std::chrono::seconds left{0};
};

struct Snapshot {
  Stats stats;
  WallTime started;
  WallTime now;
  proto::CategoryCounts waiting;
  std::size_t envelopes_waiting = 0;
  std::size_t bytes_waiting = 0;   ///< in memory
  milliseconds oldest_waiting{0};  ///< how long the oldest of them has been; 0: none
  std::size_t local_connections = 0;
  Work work;
  Journal::Figures journal;
  UpstreamStats connections;
  std::vector<HostState> hosts;
  std::vector<LimitInForce> limits;
  std::uint64_t log_lines_dropped = 0;  ///< for want of room in the pipe, or in an invoke
  HostFigures host;
};

}  // namespace relay
