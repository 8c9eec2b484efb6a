#include "relay/entry.hpp"

#include "proto/report_quantities.hpp"

namespace relay {
namespace {

std::unique_ptr<const LargeFacts> large_facts(const Parcel& parcel) {
  if (parcel.body().size() < kLargeBody) return nullptr;
  auto large = std::make_unique<LargeFacts>();
  const auto* envelope = parcel.envelope();
  if (envelope == nullptr) {
    large->reported = parcel.head().counts;
    return large;
  }
  for (const auto& item : envelope->items()) {
    large->items.push_back({item.type, item.attachment_type, item.platform});
    if (item.type == "client_report") {
      proto::add_lost(large->carried, {}, *envelope, item);
      continue;
    }
    for (const auto& [category, quantity] : proto::report_quantities(*envelope, item)) {
      large->reported.add(category, quantity);
    }
  }
  return large;
}

}  // namespace

Entry entry_of(const Parcel& parcel, Destination& destination, milliseconds awake) {
  Entry entry;
  static_cast<Description&>(entry) = describe(parcel);
  entry.destination = &destination;
  entry.accepted_at = parcel.head().accepted_at;
  entry.awake_at_accept = awake;
  return entry;
}

Description describe(const Parcel& parcel) {
  return {.counts = proto::SmallCounts(parcel.head().counts),
          .large = large_facts(parcel),
          .bytes = parcel.body().size(),
          .urgency = parcel.urgency(),
          .deduplicated_upstream = parcel.deduplicated_upstream(),
          .check_in = parcel.has_check_in()};
}

WrittenFacts written_facts(const Entry& entry, WallTime now) {
  const auto since = std::chrono::duration_cast<milliseconds>(now - entry.first_written);
  return {entry.deduplicated_upstream, entry.full_writes,
          entry.full_writes > 0 ? since : milliseconds{0}};
}

}  // namespace relay
