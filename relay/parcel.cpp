#include "relay/parcel.hpp"

#include <algorithm>
#include <utility>

namespace relay {
namespace {

proto::Urgency most_urgent(const proto::CategoryCounts& counts) {
  auto found = proto::Urgency::bulk;
  for (std::size_t i = 0; i < proto::kCategoryCount; ++i) {
    const auto category = static_cast<proto::Category>(i);
    if (counts[category] > 0) found = std::max(found, proto::urgency(category));
  }
  return found;
}

}  // namespace

Parcel::Parcel(RecordHead head, proto::Envelope envelope)
    : head_(std::move(head)), envelope_(std::move(envelope)), urgency_(envelope_->urgency()) {
  head_.method = "POST";
  head_.target = kEnvelopeTarget;
  head_.counts = envelope_->counts();
}

Parcel::Parcel(RecordHead head, proto::Bytes opaque)
    : head_(std::move(head)), opaque_(std::move(opaque)), urgency_(most_urgent(head_.counts)) {}

proto::Result<Parcel> Parcel::from(Record record) {
  if (record.head.target != kEnvelopeTarget) {
    return Parcel(std::move(record.head), std::move(record.body));
  }
  auto envelope = proto::Envelope::parse(std::move(record.body));
  if (!envelope) return envelope.error();
  return Parcel(std::move(record.head), std::move(*envelope));
}

void Parcel::stamp(WallTime accepted_at, std::string dsn) {
  head_.accepted_at = accepted_at;
  head_.dsn = std::move(dsn);
}

bool Parcel::deduplicated_upstream() const {
  return envelope_ && envelope_->deduplicated_upstream();
}

bool Parcel::has_check_in() const { return head_.counts[proto::Category::monitor] > 0; }

std::size_t Parcel::memory() const {
  const std::size_t items = envelope_ ? envelope_->items().size() : 0;
  return body().size() + items * sizeof(proto::Item);
}

}  // namespace relay
