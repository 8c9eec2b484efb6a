#include "relay/backlog.hpp"

#include <cassert>
#include <utility>

#include "relay/limited_items.hpp"

namespace relay {
namespace {

void count_delivered(Ledger& ledger, unsigned, const proto::CategoryCounts& items) {
  ledger.deliver(items);
}

void count_refused(Ledger& ledger, unsigned status, const proto::CategoryCounts& items) {
  ledger.refuse(status, items);
}

void count_dropped(Ledger& ledger, unsigned reason, const proto::CategoryCounts& items) {
  ledger.drop(static_cast<DropReason>(reason), items);
}

}  // namespace

Backlog::Backlog(BacklogSettings settings, Journal& journal, Stats& stats)
    : settings_(settings), journal_(journal), stats_(stats) {}

bool Backlog::accept(Entry entry) {
  const auto evicted = evicted_for(entry.envelope.urgency(), entry.envelope.bytes().size());
  if (!evicted) return false;
  for (const auto id : *evicted) drop(id, DropReason::queue_overflow);
  insert(std::move(entry));
  check();
  return true;
}

/// All or nothing: out of memory, the envelope was never here.
void Backlog::insert(Entry entry) {
  entry.id = next_id_++;
  const auto place = order_.emplace(rank(entry), nullptr).first;
  try {
    stats_.durable = journal_.keep(entry.id, entry.envelope);
    place->second = &entries_.emplace(entry.id, std::move(entry)).first->second;
  } catch (...) {
    order_.erase(place);
    throw;
  }
  const proto::Envelope& envelope = place->second->envelope;
  bytes_ += envelope.bytes().size();
  stats_.ledger.accept(envelope.counts());
  ++stats_.envelopes_accepted;
}

std::optional<std::vector<std::uint64_t>> Backlog::evicted_for(proto::Urgency urgency,
                                                               std::size_t bytes) const {
  std::vector<std::uint64_t> evicted;
  std::size_t left = entries_.size();
  std::size_t bytes_left = bytes_;
  const auto fits = [&] {
    return left < settings_.max_waiting && bytes <= settings_.max_bytes &&
           bytes_left <= settings_.max_bytes - bytes;
  };
  // From the least urgent class up; within a class the oldest stands first.
  for (auto level = proto::Urgency::bulk; level < urgency;
       level = static_cast<proto::Urgency>(static_cast<int>(level) + 1)) {
    for (auto place = order_.lower_bound(Rank{level, 0});
         place != order_.end() && place->first.urgency == level && !fits(); ++place) {
      const Entry& entry = *place->second;
      if (entry.in_flight) continue;
      evicted.push_back(entry.id);
      --left;
      bytes_left -= entry.envelope.bytes().size();
    }
  }
  if (!fits()) return std::nullopt;
  return evicted;
}

void Backlog::deliver(std::uint64_t id) {
  ++stats_.envelopes_delivered;
  settle(id, count_delivered, 0);
}

void Backlog::refuse(std::uint64_t id, unsigned status) {
  ++stats_.envelopes_lost;
  settle(id, count_refused, status);
}

void Backlog::drop(std::uint64_t id, DropReason reason) {
  ++stats_.envelopes_lost;
  settle(id, count_dropped, static_cast<unsigned>(reason));
}

void Backlog::refuse_items(std::uint64_t id, const std::vector<bool>& flagged, unsigned status) {
  reduce(id, flagged, count_refused, status);
}

void Backlog::drop_items(std::uint64_t id, const std::vector<bool>& flagged, DropReason reason) {
  reduce(id, flagged, count_dropped, static_cast<unsigned>(reason));
}

void Backlog::drop_all(DropReason reason) {
  while (!entries_.empty()) drop(entries_.begin()->first, reason);
}

Entry* Backlog::find(std::uint64_t id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

proto::CategoryCounts Backlog::waiting() const {
  proto::CategoryCounts counts;
  for (const auto& [id, entry] : entries_) counts += entry.envelope.counts();
  return counts;
}

void Backlog::reduce(std::uint64_t id, const std::vector<bool>& flagged, Fate fate,
                     unsigned detail) {
  Entry& entry = entries_.at(id);
  Reduction reduction = without(entry.envelope, flagged);
  if (!reduction.rest) {
    ++stats_.envelopes_lost;
    settle(id, fate, detail);
    return;
  }
  fate(stats_.ledger, detail, reduction.dropped);
  auto place = order_.extract(rank(entry));
  bytes_ -= entry.envelope.bytes().size();
  entry.envelope = std::move(*reduction.rest);
  bytes_ += entry.envelope.bytes().size();
  place.key() = rank(entry);
  order_.insert(std::move(place));
  check();
}

void Backlog::settle(std::uint64_t id, Fate fate, unsigned detail) {
  const auto found = entries_.find(id);
  assert(found != entries_.end() && "an envelope meets its fate once");
  fate(stats_.ledger, detail, found->second.envelope.counts());
  bytes_ -= found->second.envelope.bytes().size();
  order_.erase(rank(found->second));
  entries_.erase(found);
  journal_.release(id);
  check();
}

void Backlog::check() const {
  // The walk over everything that waits is quadratic over a burst: debug builds only, and not for
  // long ones.
  assert(entries_.size() > 256 || stats_.ledger.balances(waiting()));
}

}  // namespace relay
