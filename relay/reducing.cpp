#include "relay/reducing.hpp"

#include <utility>

namespace relay {

Backlog::Reducing::Reducing(Backlog& backlog, std::uint64_t id, std::shared_ptr<const Parcel> whole,
                            std::vector<bool> flagged, DropReason reason)
    : backlog_(backlog),
      id_(id),
      whole_(std::move(whole)),
      flagged_(std::move(flagged)),
      reason_(reason),
      without_(*whole_->envelope(), flagged_) {}

std::optional<std::shared_ptr<const Parcel>> Backlog::Reducing::step(std::size_t bytes) {
  if (backlog_.find(id_) == nullptr) return nullptr;
  if (!rest_) {
    if (!without_.step(bytes)) return std::nullopt;
    auto left = without_.take();
    // It was read before, so it can be read again.
    if (!left) {
      backlog_.drop(id_, DropReason::internal_sdk_error);
      return nullptr;
    }
    rest_ = std::make_shared<const Parcel>(RecordHead(whole_->head()), std::move(*left));
    if (rest_->body().size() > kLargeBody) {
      keeping_ = backlog_.journal_.begin(rest_->head(), rest_->body());
    }
    return std::nullopt;
  }
  const auto kept = keeping_ ? keeping_->step(bytes)
                             : std::optional(backlog_.journal_.keep(rest_->head(), rest_->body()));
  if (!kept) return std::nullopt;
  keeping_.reset();
  backlog_.replace(*backlog_.find(id_), *whole_, flagged_, reason_, rest_, *kept);
  return backlog_.find(id_) != nullptr ? rest_ : nullptr;
}

}  // namespace relay
