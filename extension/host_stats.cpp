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

std::string to_json_members(const HostStats& stats) {
  const auto number = [](auto value) { return std::to_string(value); };
  std::string out = "\"pace\":\"" + std::string(stats.pace) + "\"";
  out += ",\"invokes\":" + number(stats.invokes);
  out += ",\"holds\":" + number(stats.holds);
  out += ",\"held_ms\":" + number(stats.held.count());
  out += ",\"last_hold_ms\":" + (stats.last_hold ? number(stats.last_hold->count()) : "null");
  out += ",\"unknown_ends\":" + number(stats.unknown_ends);
  out += ",\"platform_retries\":" + number(stats.platform_retries);
  out += ",\"telemetry\":{\"state\":\"" + std::string(to_string(stats.telemetry)) + "\"";
  out += ",\"batches\":" + number(stats.telemetry_posts.batches);
  out += ",\"ignored\":" + number(stats.telemetry_posts.ignored);
  out += ",\"unparsable\":" + number(stats.telemetry_posts.unparsable);
  out += ",\"other_request\":" + number(stats.other_records) + "}";
  return out;
}

}  // namespace extension
