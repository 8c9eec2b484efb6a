#include "relay/accepting.hpp"

#include <utility>

#include "relay/errc.hpp"

namespace relay {
namespace {

// In one turn of the loop, which each keeps for some microseconds.
constexpr std::size_t kMostEvicted = 64;
// One that is large takes its time to go. And between two calls the journal may copy a file's worth
// to give back what has gone.
constexpr std::size_t kEvictedAtOnce = 256UL * 1024;

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
    const bool goes_on = backlog_.evict_some(parcel_, freed_, kMostEvicted);
    return goes_on ? std::nullopt : std::optional(false);
  }
  keeping_.reset();
  if (*kept) entry_.kept = **kept;
  return backlog_.take_in(std::move(entry_), std::move(parcel_));
}

bool Backlog::evict_some(const Parcel& parcel, std::size_t& freed, std::size_t most) {
  if (freed == 0 && !eviction_helps(parcel)) return false;
  const auto victims = first_to_go(parcel, freed, most);
  const std::size_t enough = freed + kEvictedAtOnce;
  for (const auto id : victims) {
    if (freed >= enough) break;
    freed += entries_.at(id).bytes;
    drop(id, DropReason::queue_overflow);
  }
  return !victims.empty();
}

}  // namespace relay
