#include "extension/host_stats.hpp"

namespace extension {

std::string_view to_string(TelemetryState state) {
  switch (state) {
    case TelemetryState::off:
      return "off";
    case TelemetryState::on:
      return "on";
    case TelemetryState::refused:
      return "refused";
    case TelemetryState::unanswered:
      return "unanswered";
    case TelemetryState::silent:
      return "silent";
  }
  return "";
}

relay::HostFigures figures_of(const HostStats& stats) {
  relay::HostFigures figures;
  figures.disabled = stats.disabled;
  figures.pace = stats.pace;
  figures.invokes = stats.invokes;
  for (const auto what :
       {HeldFor::nothing, HeldFor::telemetry, HeldFor::delivery, HeldFor::probe}) {
    const Holds::Sum& sum = stats.holds.of(what);
    figures.held.push_back({to_string(what), sum.invokes, sum.time});
  }
  figures.held_unknown = stats.holds.unknown();
  figures.hold_time = stats.holds.times();
  for (const auto& invoke : stats.holds.recent()) {
    figures.recent.push_back({invoke.request_id, invoke.begun, invoke.ended, invoke.asked,
                              invoke.held, to_string(invoke.what), invoke.accepted,
                              invoke.delivered});
  }
  figures.failures_reported = stats.failures_reported;
  figures.failures_unreported = stats.failures_unreported;
  figures.platform_retries = stats.platform_retries;
  figures.telemetry = {to_string(stats.telemetry), stats.telemetry_posts.batches,
                       stats.telemetry_posts.ignored, stats.telemetry_posts.unparsable,
                       stats.other_records};
  figures.settings = stats.settings;
  return figures;
}

}  // namespace extension
