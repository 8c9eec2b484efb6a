#include "extension/host_stats.hpp"

#include <utility>

#include "proto/json.hpp"

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

namespace {

std::string to_json(const Holds::Sum& sum) {
  return "{\"invokes\":" + std::to_string(sum.invokes) +
         ",\"ms\":" + std::to_string(sum.time.count()) + "}";
}

// A request id is the platform's, but read from the network all the same.
std::string to_json(const Holds::Invoke& invoke) {
  std::string out = "{\"request_id\":" + proto::json_quote(invoke.request_id);
  out += ",\"held_ms\":" + (invoke.held ? std::to_string(invoke.held->count()) : "null");
  return out + ",\"for\":\"" + std::string(to_string(invoke.what)) + "\"}";
}

std::string to_json_member(const Holds& holds) {
  std::string out = "\"held\":{\"all\":" + to_json(holds.total());
  for (const auto what :
       {HeldFor::nothing, HeldFor::telemetry, HeldFor::delivery, HeldFor::probe}) {
    out += ",\"" + std::string(to_string(what)) + "\":" + to_json(holds.of(what));
  }
  out += ",\"unknown\":" + std::to_string(holds.unknown()) + ",\"recent\":[";
  for (std::string_view comma; const auto& invoke : holds.recent()) {
    out.append(std::exchange(comma, ",")).append(to_json(invoke));
  }
  return out + "]}";
}

}  // namespace

std::string to_json_members(const HostStats& stats) {
  const auto number = [](auto value) { return std::to_string(value); };
  std::string out = "\"pace\":\"" + std::string(stats.pace) + "\"";
  out += ",\"invokes\":" + number(stats.invokes);
  out += "," + to_json_member(stats.holds);
  out += ",\"failures\":{\"reported\":" + number(stats.failures_reported);
  out += ",\"unreported\":" + number(stats.failures_unreported) + "}";
  out += ",\"platform_retries\":" + number(stats.platform_retries);
  out += ",\"telemetry\":{\"state\":\"" + std::string(to_string(stats.telemetry)) + "\"";
  out += ",\"batches\":" + number(stats.telemetry_posts.batches);
  out += ",\"ignored\":" + number(stats.telemetry_posts.ignored);
  out += ",\"unparsable\":" + number(stats.telemetry_posts.unparsable);
  out += ",\"other_request\":" + number(stats.other_records) + "}";
  return out;
}

}  // namespace extension
