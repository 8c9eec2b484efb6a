#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "extension/commands/fleet_table.hpp"
#include "proto/json_object.hpp"

namespace extension {
namespace {

std::string json_of(const Tally& tally) {
  proto::JsonObject object;
  for (const auto& [name, count] : tally.all()) object.number(name, count);
  return object.json();
}

std::string json_of(const std::map<std::string, Tally>& losses, std::string_view category) {
  proto::JsonObject object;
  for (const auto& [why, items] : losses) {
    if (const auto count = items.of(category)) object.number(why, count);
  }
  return object.json();
}

std::string json_of(const Fates& items) {
  proto::JsonObject object;
  for (const auto& [category, accepted] : items.accepted.all()) {
    proto::JsonObject fates;
    fates.number("accepted", accepted).number("inherited", items.recovered.of(category));
    fates.number("delivered", items.delivered.of(category));
    fates.member("refused", json_of(items.refused, category));
    fates.member("dropped", json_of(items.dropped, category));
    object.member(category, fates.number("waiting", items.waiting.of(category)).json());
  }
  return object.json();
}

std::string json_of(const Times& times) {
  proto::JsonObject object;
  object.number("count", times.count);
  for (const unsigned percent : kPercents) {
    const auto value = percentile_text(times, percent);
    const bool known = value[0] != '-' && value[0] != '>';
    object.member("p" + std::to_string(percent) + "_ms", known ? value : "null");
  }
  return object.json();
}

std::string json_of(const std::vector<Offender>& worst) {
  std::string out = "[";
  for (std::string_view comma; const auto& each : worst) {
    proto::JsonObject object;
    object.text("sandbox", each.name).number("lost", each.lost).number("held_ms", each.held_ms);
    out.append(std::exchange(comma, ",")).append(object.json());
  }
  return out + "]";
}

std::string skipped(const Fleet& fleet) {
  proto::JsonObject schemas;
  for (const auto& [schema, lines] : fleet.unknown_schemas)
    schemas.number(std::to_string(schema), lines);
  proto::JsonObject object;
  object.number("other", fleet.others).number("unreadable", fleet.unreadable);
  object.number("too_long", fleet.too_long()).member("unknown_schema", schemas.json());
  return object.json();
}

}  // namespace

std::string to_json(const Fleet& fleet) {
  const ProcessFigures& total = fleet.total;
  proto::JsonObject out;
  out.number("processes", fleet.processes).number("sandboxes", fleet.sandboxes);
  out.text("first", fleet.first).text("last", fleet.last).number("lost", fleet.lost());
  out.member("items", json_of(total.items)).member("rejected", json_of(total.rejected));
  out.member("held_invokes", json_of(total.held_invokes));
  out.member("held_ms", json_of(total.held_ms)).member("counters", json_of(total.counters));
  out.member("accept", json_of(total.accept)).member("answer", json_of(total.answer));
  out.member("hold", json_of(total.hold)).member("lost_most", json_of(fleet.lost_most(kWorst)));
  out.member("held_most", json_of(fleet.held_most(kWorst))).member("skipped", skipped(fleet));
  return out.json();
}

}  // namespace extension
