#include "relay/parcel.hpp"

#include <algorithm>
#include <utility>

#include "proto/endpoint.hpp"
#include "relay/errc.hpp"

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

bool is_header_text(std::string_view text) {
  return std::ranges::none_of(text,
                              [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f; });
}

/// Anybody in the function can write a segment: what it says must be what intake could have taken.
bool is_plausible(const RecordHead& head) {
  const RequestMeta& meta = *head.meta;
  if (!is_header_text(meta.target) || !is_header_text(meta.client) ||
      !is_header_text(meta.user_agent) || !is_header_text(meta.content_type)) {
    return false;
  }
  if (meta.target.starts_with('/')) return false;
  const std::string path = "/api/1/" + std::string(proto::split_target(meta.target).path);
  const auto endpoint = proto::match_endpoint(path);
  if (!endpoint || !endpoint->prefix.empty() || !proto::takes_method(endpoint->kind, meta.method))
    return false;
  if (meta.target == kEnvelopeTarget) return true;
  proto::CategoryCounts one;
  one.add(proto::opaque_category(endpoint->kind));
  return head.counts == one;
}

}  // namespace

Parcel::Parcel(RecordHead&& head, proto::Envelope&& envelope)
    : head_(std::move(head)), envelope_(std::move(envelope)), urgency_(envelope_->urgency()) {
  head_.counts = envelope_->counts();
}

Parcel::Parcel(RecordHead head, proto::Bytes opaque)
    : head_(std::move(head)), opaque_(std::move(opaque)), urgency_(most_urgent(head_.counts)) {}

proto::Result<Parcel> Parcel::from(Record record) {
  if (!is_plausible(record.head)) return make_error_code(Errc::journal_damaged);
  if (record.head.meta->target != kEnvelopeTarget) {
    return Parcel(std::move(record.head), std::move(record.body));
  }
  auto envelope = proto::Envelope::parse(std::move(record.body));
  if (!envelope) return envelope.error();
  return Parcel(std::move(record.head), std::move(*envelope));
}

proto::Deduplicated Parcel::deduplicated_upstream() const {
  return envelope_ ? envelope_->deduplicated_upstream() : proto::Deduplicated::none;
}

bool Parcel::has_check_in() const { return head_.counts[proto::Category::monitor] > 0; }

std::size_t Parcel::memory() const {
  const std::size_t items = envelope_ ? envelope_->items().size() : 0;
  return body().size() + items * sizeof(proto::Item);
}

}  // namespace relay
