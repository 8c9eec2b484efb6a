#include "relay/capture.hpp"

#include <algorithm>
#include <utility>

#include "proto/endpoint.hpp"
#include "proto/number.hpp"

namespace relay {
namespace {

// What the items of envelopes are called, for what is no envelope.
std::string_view type_of(proto::EndpointKind kind) {
  using proto::EndpointKind;
  switch (kind) {
    case EndpointKind::envelope:
    case EndpointKind::tunnel:
    case EndpointKind::store:
      return "event";
    case EndpointKind::cron:
      return "check_in";
    case EndpointKind::otlp:
      return "otlp";
    case EndpointKind::vercel:
      return "vercel";
    case EndpointKind::minidump:
      return "minidump";
    case EndpointKind::unreal:
      return "unreal";
    case EndpointKind::attachments:
      return "attachment";
    case EndpointKind::security:
      return "security";
    case EndpointKind::other:
      return "other";
  }
  return "other";
}

void read_items(Captured& captured) {
  const proto::Envelope& envelope = *captured.envelope;
  for (const auto& item : envelope.items()) {
    std::string_view header = envelope.bytes().substr(item.begin, item.payload_begin - item.begin);
    header = header.substr(0, header.find('\n'));
    const auto payload = envelope.bytes().substr(item.payload_begin, item.end - item.payload_begin);
    captured.items.push_back({item.type, proto::ledger_category(item.facts()), header, payload,
                              proto::item_lines(item.type, header, payload)});
  }
}

// A check-in by URL, an OTLP body, a crash dump: its path tells more than its bytes.
void read_opaque(Captured& captured, const proto::Endpoint& endpoint) {
  CapturedItem item;
  item.type = type_of(endpoint.kind);
  item.category = proto::opaque_category(endpoint.kind);
  item.payload = captured.opaque.view();
  if (endpoint.kind == proto::EndpointKind::store) {
    item.lines = proto::item_lines(item.type, "", item.payload);
  } else {
    const auto query = proto::split_target(captured.target).query;
    std::string what = endpoint.path;
    if (!query.empty()) what.append("?").append(query);
    if (!item.payload.empty()) what += " (" + std::to_string(item.payload.size()) + " bytes)";
    item.lines.push_back({"", what.substr(0, proto::kMaxItemLineBytes)});
  }
  captured.items.push_back(std::move(item));
}

}  // namespace

std::size_t Captured::memory() const {
  std::size_t bytes = sizeof *this + target.size() + opaque.capacity();
  if (envelope) {
    bytes += envelope->bytes().size() + envelope->items().size() * sizeof(proto::Item);
  }
  for (const auto& item : items) {
    bytes += sizeof item + item.type.size() + item.lines.size() * sizeof(proto::ItemLine);
    for (const auto& line : item.lines) bytes += line.level.size() + line.what.size();
  }
  return bytes;
}

bool is_named(std::string_view words, const CapturedItem& item) {
  if (words.empty()) return true;
  while (!words.empty()) {
    const auto word = words.substr(0, words.find(','));
    if (word == item.type || word == proto::name(item.category)) return true;
    words.remove_prefix(std::min(word.size() + 1, words.size()));
  }
  return false;
}

Capture::Capture(CaptureSettings settings, std::function<void(const Captured&)> came)
    : settings_(settings), came_(std::move(came)) {}

void Capture::take(const UpstreamRequest& request, WallTime now) {
  const auto endpoint = proto::match_endpoint(proto::split_target(request.target).path);
  Captured captured;
  captured.id = ++taken_;
  captured.at = now;
  captured.target = request.target;
  if (endpoint) {
    captured.project = proto::parse_number<std::uint64_t>(endpoint->project).value_or(0);
  }
  auto envelope = proto::Envelope::parse(proto::Bytes::copy_of(request.body));
  if (envelope && endpoint && endpoint->kind == proto::EndpointKind::envelope) {
    captured.envelope = std::move(*envelope);
    read_items(captured);
  } else if (endpoint) {
    captured.opaque = proto::Bytes::copy_of(request.body);
    read_opaque(captured, *endpoint);
  }
  for (const auto& item : captured.items) counts_.add(item.category);
  kept_.push_back(std::move(captured));
  bytes_ += kept_.back().memory();
  if (came_) came_(kept_.back());
  while (kept_.size() > settings_.max_envelopes || bytes_ > settings_.max_bytes) {
    bytes_ -= kept_.front().memory();
    kept_.pop_front();
  }
}

const Captured* Capture::find(std::uint64_t id) const {
  if (kept_.empty() || id < kept_.front().id || id > kept_.back().id) return nullptr;
  return &kept_[id - kept_.front().id];
}

}  // namespace relay
