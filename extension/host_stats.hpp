// What the host counts, beside the relay's own figures in /stats.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "extension/holds.hpp"
#include "relay/snapshot.hpp"

namespace extension {

/// Whether the platform tells when a function has ended.
enum class TelemetryState {
  off,         ///< not asked for
  on,          ///< subscribed
  refused,     ///< the platform said no, or 202, which emulators answer
  unanswered,  ///< no answer in time; a record would make it `on`
  silent,  ///< subscribed, but no runtimeDone for three invokes in a row; a record would make it
           ///< `on`
};

[[nodiscard]] std::string_view to_string(TelemetryState state);

/// Requests to the telemetry listener.
struct TelemetryCounters {
  std::uint64_t batches = 0;     ///< read and reported
  std::uint64_t ignored = 0;     ///< another method or path, or longer than the limit
  std::uint64_t unparsable = 0;  ///< not a JSON array
};

struct HostStats {
  bool disabled = false;  ///< THAW_DISABLED
  std::string_view pace = "continuous";
  std::uint64_t invokes = 0;
  Holds holds;
  std::uint64_t other_records = 0;        ///< a runtimeDone of no invoke that waits for one
  std::uint64_t failures_reported = 0;    ///< of the function, that no SDK could report
  std::uint64_t failures_unreported = 0;  ///< for want of a DSN, or of room
  std::uint64_t platform_retries = 0;     ///< calls to the Extensions API made again
  TelemetryState telemetry = TelemetryState::off;
  TelemetryCounters telemetry_posts;
  std::vector<relay::HostFigures::Setting> settings;
};

[[nodiscard]] relay::HostFigures figures_of(const HostStats& stats);

}  // namespace extension
