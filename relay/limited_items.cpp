#include "relay/limited_items.hpp"

#include <algorithm>

namespace relay {

std::vector<bool> limited_items(const proto::Envelope& envelope, const proto::RateLimits& limits,
                                proto::WallTime now) {
  std::vector<bool> flagged;
  bool event_limited = false;
  bool event_left = false;
  for (const auto& item : envelope.items()) {
    const auto facts = item.facts();
    flagged.push_back(limits.blocked(facts, now));
    if (!proto::creates_event(facts)) continue;
    (flagged.back() ? event_limited : event_left) = true;
  }
  // A crash dump under a limit of attachments leaves an event beside it what it is.
  if (!event_limited || event_left) return flagged;
  for (std::size_t i = 0; i < flagged.size(); ++i) {
    flagged[i] = flagged[i] || proto::depends_on_event(envelope.items()[i].facts());
  }
  return flagged;
}

std::vector<bool> limited_items(const Parcel& parcel, const proto::RateLimits& limits,
                                proto::WallTime now) {
  if (const auto* envelope = parcel.envelope()) return limited_items(*envelope, limits, now);
  bool blocked = false;
  for (std::size_t i = 0; i < proto::kCategoryCount; ++i) {
    const auto category = static_cast<proto::Category>(i);
    blocked = blocked || (parcel.head().counts[category] > 0 && limits.blocked(category, now));
  }
  return {blocked};
}

std::vector<bool> refused_items(const Parcel& parcel, std::string_view rate_limits,
                                proto::WallTime now) {
  proto::RateLimits named;
  named.learn(rate_limits, now, std::chrono::seconds{1});
  return limited_items(parcel, named, now);
}

Reduction without(const proto::Envelope& envelope, const std::vector<bool>& flagged) {
  Reduction reduction;
  const std::string_view whole = envelope.bytes();
  const std::string_view items = envelope.items_as_they_came();
  proto::Bytes rest = proto::Bytes::copy_of(whole.substr(0, whole.size() - items.size()));
  bool any = false;
  for (std::size_t i = 0; i < flagged.size(); ++i) {
    const auto& item = envelope.items()[i];
    if (flagged[i]) {
      reduction.dropped.add(proto::ledger_category(item.facts()));
      continue;
    }
    rest.append(whole.substr(item.begin, item.end - item.begin));
    rest.append("\n");
    any = true;
  }
  if (!any) return reduction;
  auto parsed = proto::Envelope::parse(std::move(rest));
  if (parsed) reduction.rest = std::move(*parsed);
  return reduction;
}

}  // namespace relay
