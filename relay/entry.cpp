#include "relay/entry.hpp"

#include "proto/report_quantities.hpp"

namespace relay {
namespace {

/// nullptr: of a small one, or of one that has to be looked at again.
std::unique_ptr<const proto::CategoryCounts> reported_of(const Parcel& parcel) {
  if (parcel.body().size() < kLargeBody) return nullptr;
  const auto* envelope = parcel.envelope();
  if (envelope == nullptr) return std::make_unique<proto::CategoryCounts>(parcel.head().counts);
  auto reported = std::make_unique<proto::CategoryCounts>();
  for (const auto& item : envelope->items()) {
    if (item.type == "client_report") return nullptr;
    for (const auto& [category, quantity] : proto::report_quantities(*envelope, item)) {
      reported->add(category, quantity);
    }
  }
  return reported;
}

}  // namespace

Entry entry_of(const Parcel& parcel, Destination& destination, milliseconds awake) {
  Entry entry;
  entry.destination = &destination;
  entry.accepted_at = parcel.head().accepted_at;
  entry.awake_at_accept = awake;
  describe(entry, parcel);
  return entry;
}

void describe(Entry& entry, const Parcel& parcel) {
  entry.counts = proto::SmallCounts(parcel.head().counts);
  entry.reported = reported_of(parcel);
  entry.urgency = parcel.urgency();
  entry.deduplicated_upstream = parcel.deduplicated_upstream();
  entry.check_in = parcel.has_check_in();
  entry.bytes = parcel.body().size();
}

WrittenFacts written_facts(const Entry& entry, WallTime now) {
  const auto since = std::chrono::duration_cast<milliseconds>(now - entry.first_written);
  return {entry.deduplicated_upstream, entry.full_writes,
          entry.full_writes > 0 ? since : milliseconds{0}};
}

}  // namespace relay
