#include "relay/capture_json.hpp"

#include <ranges>

#include "proto/json.hpp"
#include "proto/json_object.hpp"
#include "proto/json_text.hpp"
#include "proto/number.hpp"
#include "proto/timestamp.hpp"

namespace relay {
namespace {

proto::JsonObject& add_content(proto::JsonObject& object, const CapturedItem& item) {
  if (!item.header.empty()) object.value("header", proto::minified_json(item.header));
  if (const auto json = proto::minified_json(item.payload); !json.empty())
    return object.member("payload", json);
  if (proto::is_utf8(item.payload)) {
    return object.member("payload", proto::json_quote(item.payload));
  }
  return object.number("bytes", item.payload.size());
}

proto::JsonObject facts_of(const CapturedItem& item) {
  proto::JsonObject object;
  object.text("type", item.type).text("category", proto::name(item.category));
  return object;
}

std::string lines_json(const CapturedItem& item) {
  std::string list;
  for (const auto& line : item.lines) {
    if (!list.empty()) list += ',';
    list += proto::JsonObject().text("level", line.level).text("what", line.what).json();
  }
  return "[" + list + "]";
}

proto::JsonObject facts_of(const Captured& captured) {
  proto::JsonObject object;
  object.number("id", captured.id).text("time", proto::to_rfc3339(captured.at));
  object.number("project", captured.project).text("path", captured.target);
  if (captured.envelope) object.text("event_id", captured.envelope->event_id());
  return object;
}

}  // namespace

std::string captured_item_json(const Captured& captured, const CapturedItem& item) {
  proto::JsonObject object;
  object.number("id", captured.id).text("time", proto::to_rfc3339(captured.at));
  object.number("project", captured.project);
  object.text("type", item.type).text("category", proto::name(item.category));
  object.text("level", item.lines.front().level).text("what", item.lines.front().what);
  return add_content(object, item).json();
}

std::string captured_list_json(const Capture& capture, std::string_view type) {
  std::string list;
  for (const auto& captured : capture.kept() | std::views::reverse) {
    std::string items;
    for (const auto& item : captured.items) {
      if (!is_named(type, item)) continue;
      if (!items.empty()) items += ',';
      items += facts_of(item).member("lines", lines_json(item)).json();
    }
    if (items.empty()) continue;
    if (!list.empty()) list += ',';
    list += facts_of(captured).member("items", "[" + items + "]").json();
  }
  return proto::JsonObject()
      .number("captured", capture.taken())
      .number("kept", capture.kept().size())
      .member("envelopes", "[" + list + "]")
      .json();
}

std::string captured_json(const Captured& captured) {
  auto object = facts_of(captured);
  if (captured.envelope) object.value("header", proto::minified_json(captured.envelope->header()));
  std::string items;
  for (const auto& item : captured.items) {
    if (!items.empty()) items += ',';
    auto facts = facts_of(item);
    items += add_content(facts, item).json();
  }
  return proto::indented_json(object.member("items", "[" + items + "]").json()) + "\n";
}

Answer captured_answer(const Capture& capture, std::string_view path, std::string_view query) {
  constexpr std::string_view kList = "/captured";
  constexpr std::string_view kType = "type=";
  path.remove_prefix(kList.size());
  if (path.empty() || path == "/") {
    const auto type = query.starts_with(kType) ? query.substr(kType.size()) : std::string_view();
    return Answer{200, captured_list_json(capture, type)};
  }
  const auto id =
      path.starts_with('/') ? proto::parse_number<std::uint64_t>(path.substr(1)) : std::nullopt;
  const auto* captured = id ? capture.find(*id) : nullptr;
  if (captured == nullptr) {
    return error_answer(404, "no such envelope, or let go since: GET /captured lists what is kept");
  }
  return Answer{200, captured_json(*captured)};
}

}  // namespace relay
