#include "relay/accepting.hpp"

#include <utility>

#include "relay/errc.hpp"

namespace relay {
namespace {

// In one turn of the loop, which each keeps for some microseconds.
constexpr std::size_t kMostEvicted = 64;
constexpr std::size_t kMostEvictedBytes = 256UL * 1024;

}  // namespace

Backlog::Accepting::Accepting(Backlog& backlog, Parcel&& parcel, Destination& destination,
                              milliseconds awake)
    : backlog_(backlog),
      parcel_(std::move(parcel)),
      entry_(entry_of(parcel_, destination, awake)) {}

std::optional<bool> Backlog::Accepting::step(std::size_t bytes) {
  if (!keeping_) {
    if (!backlog_.victims_for(entry_.urgency, 0)) return false;
    keeping_ = backlog_.journal_.begin(parcel_.head(), parcel_.body());
    if (!keeping_) return backlog_.take_at_once(std::move(entry_), std::move(parcel_));
  }
  const auto kept = keeping_->step(bytes);
  if (!kept) return std::nullopt;
  if (!*kept && kept->error() == Errc::journal_full) {
    return evict_some() ? std::nullopt : std::optional(false);
  }
  keeping_.reset();
  if (*kept) entry_.kept = **kept;
  return backlog_.take_in(std::move(entry_), std::move(parcel_));
}

bool Backlog::Accepting::evict_some() {
  if (freed_ == 0 && !backlog_.eviction_helps(parcel_)) return false;
  const auto victims = backlog_.first_to_go(parcel_, freed_, kMostEvicted);
  const std::size_t enough = freed_ + kMostEvictedBytes;
  for (const auto id : victims) {
    // One that is large takes its time, too.
    if (freed_ >= enough) break;
    freed_ += backlog_.find(id)->bytes;
    backlog_.drop(id, DropReason::queue_overflow);
  }
  return !victims.empty();
}

}  // namespace relay
