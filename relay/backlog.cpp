#include "relay/backlog.hpp"

#include <cassert>
#include <utility>

#include "proto/report_quantities.hpp"
#include "relay/errc.hpp"
#include "relay/limited_items.hpp"

namespace relay {
namespace {

constexpr unsigned kTooManyRequests = 429;

void count_delivered(Ledger& ledger, unsigned, const proto::CategoryCounts& items) {
  ledger.deliver(items);
}

void count_refused(Ledger& ledger, unsigned status, const proto::CategoryCounts& items) {
  ledger.refuse(status, items);
}

void count_dropped(Ledger& ledger, unsigned reason, const proto::CategoryCounts& items) {
  ledger.drop(static_cast<DropReason>(reason), items);
}

/// nullptr: it cannot be had.
std::shared_ptr<const Parcel> parcel_of(proto::Result<Record> record) {
  if (!record) return nullptr;
  auto parcel = Parcel::from(std::move(*record));
  if (!parcel) return nullptr;
  return std::make_shared<const Parcel>(std::move(*parcel));
}

}  // namespace

Backlog::Backlog(BacklogSettings settings, Journal& journal, Stats& stats)
    : settings_(settings), journal_(journal), stats_(stats) {}

bool Backlog::accept(Parcel&& parcel, Destination& destination, milliseconds awake) {
  Entry entry = entry_of(parcel, destination, awake);
  return victims_for(entry.urgency, 0) && take_at_once(std::move(entry), std::move(parcel));
}

bool Backlog::take_at_once(Entry entry, Parcel&& parcel) {
  bool full = false;
  entry.kept = keep(parcel, full);
  return !full && take_in(std::move(entry), std::move(parcel));
}

bool Backlog::take_in(Entry entry, Parcel&& parcel) {
  entry.only_in_memory = entry.kept == 0;
  const bool urgent = entry.urgency == proto::Urgency::urgent;
  const JournalId kept = entry.kept;
  const proto::CategoryCounts counts = parcel.head().counts;
  try {
    if (!make_room(entry.urgency, entry.only_in_memory ? parcel.memory() : 0)) {
      if (kept != 0) journal_.release(kept);
      return false;
    }
    insert(std::move(entry), std::move(parcel));
  } catch (...) {
    // Out of memory, it was never here.
    if (kept != 0) journal_.release(kept);
    throw;
  }
  stats_.ledger.accept(counts);
  ++stats_.envelopes_accepted;
  if (urgent) ++stats_.urgent_accepted;
  check();
  return true;
}

void Backlog::recover(JournalId kept, Parcel&& parcel, Destination& destination,
                      milliseconds awake) {
  Entry entry = entry_of(parcel, destination, awake);
  entry.kept = kept;
  entry.recovered = true;
  const proto::CategoryCounts counts = parcel.head().counts;
  if (!make_room(entry.urgency, 0)) {
    report(entry, name(DropReason::queue_overflow));
    recover_lost(kept, counts, DropReason::queue_overflow);
    return;
  }
  insert(std::move(entry), std::move(parcel));
  stats_.ledger.recover(counts);
  ++stats_.envelopes_recovered;
  check();
}

void Backlog::recover_lost(JournalId kept, const proto::CategoryCounts& counts, DropReason reason) {
  stats_.ledger.recover(counts);
  ++stats_.envelopes_recovered;
  stats_.ledger.drop(reason, counts);
  ++stats_.envelopes_lost;
  journal_.release(kept);
}

template <class Take>
void Backlog::each_victim(proto::Urgency urgency, Take take) const {
  // From the least urgent class up; within a class the oldest stands first.
  for (auto level = proto::Urgency::bulk; level < urgency;
       level = static_cast<proto::Urgency>(static_cast<int>(level) + 1)) {
    for (auto place = order_.lower_bound(Rank{level, false, WallTime::min(), 0});
         place != order_.end() && place->first.urgency == level; ++place) {
      if (!place->second->in_flight && !take(*place->second)) return;
    }
  }
}

std::optional<Backlog::Victims> Backlog::victims_for(proto::Urgency urgency,
                                                     std::size_t bytes) const {
  Victims victims;
  std::size_t left = entries_.size();
  std::size_t pinned_left = pinned_;
  const auto has_place = [&] { return left < settings_.max_waiting; };
  const auto has_memory = [&] {
    return bytes == 0 ||
           (bytes <= settings_.max_bytes && pinned_left <= settings_.max_bytes - bytes);
  };
  if (has_place() && has_memory()) return victims;
  each_victim(urgency, [&](const Entry& entry) {
    if (has_place() && has_memory()) return false;
    // What the journal keeps needs no memory: to evict it gives none back.
    if (has_place() && !entry.only_in_memory) return true;
    victims.push_back(entry.id);
    --left;
    if (entry.only_in_memory) pinned_left -= entry.parcel->memory();
    return true;
  });
  if (!has_place() || !has_memory()) return std::nullopt;
  return victims;
}

bool Backlog::make_room(proto::Urgency urgency, std::size_t bytes) {
  const auto victims = victims_for(urgency, bytes);
  if (!victims) return false;
  for (const auto id : *victims) drop(id, DropReason::queue_overflow);
  spill(bytes);
  return true;
}

JournalId Backlog::keep(const Parcel& parcel, bool& full) {
  for (std::size_t freed = 0;;) {
    const auto kept = journal_.keep(parcel.head(), parcel.body());
    full = !kept && kept.error() == Errc::journal_full;
    if (!full) return kept ? *kept : 0;
    if (!evict_some(parcel, freed, entries_.size())) return 0;
  }
}

Backlog::Victims Backlog::first_to_go(const Parcel& parcel, std::size_t freed,
                                      std::size_t most) const {
  Victims first;
  each_victim(parcel.urgency(), [&](const Entry& entry) {
    if (entry.kept == 0) return true;
    if (first.size() < most) first.push_back(entry.id);
    freed += entry.bytes;
    return freed < parcel.body().size();
  });
  return freed < parcel.body().size() ? Victims{} : first;
}

bool Backlog::eviction_helps(const Parcel& parcel) const {
  std::vector<JournalId> records;
  each_victim(parcel.urgency(), [&](const Entry& entry) {
    if (entry.kept != 0) records.push_back(entry.kept);
    return true;
  });
  return !records.empty() && journal_.has_room_without(records, parcel.body().size());
}

void Backlog::insert(Entry entry, Parcel&& parcel) {
  entry.id = next_id_++;
  // In a burst of errors the newest comes last in both.
  const auto place = order_.emplace_hint(order_.end(), rank(entry), nullptr);
  try {
    place->second = &entries_.emplace_hint(entries_.end(), entry.id, std::move(entry))->second;
    hold(*place->second, std::make_shared<const Parcel>(std::move(parcel)));
  } catch (...) {
    entries_.erase(place->first.id);
    order_.erase(place);
    throw;
  }
}

/// Keeps the parcel in memory if it has to be there, or there is room.
void Backlog::hold(Entry& entry, std::shared_ptr<const Parcel> parcel) {
  const std::size_t memory = parcel->memory();
  const bool fits = memory <= settings_.max_bytes && bytes_ <= settings_.max_bytes - memory;
  if (!entry.only_in_memory && !fits) return;
  entry.parcel = std::move(parcel);
  bytes_ += memory;
  if (entry.only_in_memory) pinned_ += memory;
}

void Backlog::let_go(Entry& entry) {
  if (!entry.parcel) return;
  const std::size_t memory = entry.parcel->memory();
  bytes_ -= memory;
  if (entry.only_in_memory) pinned_ -= memory;
  entry.parcel.reset();
}

/// The journal has the bodies that it keeps: those that leave last give up their memory first.
void Backlog::spill(std::size_t room_for) {
  for (auto place = order_.rbegin(); place != order_.rend(); ++place) {
    if (bytes_ + room_for <= settings_.max_bytes) return;
    if (!place->second->only_in_memory) let_go(*place->second);
  }
}

std::shared_ptr<const Parcel> Backlog::load(std::uint64_t id) {
  return or_dropped(id, peek(entries_.at(id)));
}

std::optional<std::shared_ptr<const Parcel>> Backlog::load_some(std::uint64_t id,
                                                                RecordReading& reading,
                                                                std::size_t bytes) {
  const Entry& entry = entries_.at(id);
  if (entry.parcel) return entry.parcel;
  auto record = journal_.read_some(entry.kept, reading, bytes);
  if (!record) return std::nullopt;
  return or_dropped(id, parcel_of(std::move(*record)));
}

std::shared_ptr<const Parcel> Backlog::or_dropped(std::uint64_t id,
                                                  std::shared_ptr<const Parcel> loaded) {
  if (!loaded) {
    ++stats_.unreadable;
    drop(id, DropReason::internal_sdk_error);
  }
  return loaded;
}

std::shared_ptr<const Parcel> Backlog::peek(const Entry& entry) {
  if (entry.parcel) return entry.parcel;
  return parcel_of(journal_.read(entry.kept));
}

void Backlog::report(const Entry& entry, std::string_view reason) {
  proto::ClientReport& losses = entry.destination->losses;
  const auto loaded = entry.large ? nullptr : peek(entry);
  if (const auto* envelope = loaded ? loaded->envelope() : nullptr) {
    for (const auto& item : envelope->items()) proto::add_lost(losses, reason, *envelope, item);
    return;
  }
  // Large, opaque or out of reach. What counts as default has no place in a report.
  const auto counts = entry.large ? entry.large->reported : entry.counts.wide();
  for (std::size_t i = 0; i < proto::kCategoryCount; ++i) {
    const auto category = static_cast<proto::Category>(i);
    if (category != proto::Category::default_) losses.add(reason, category, counts[category]);
  }
  if (entry.large) losses.merge(entry.large->carried);
}

void Backlog::deliver(std::uint64_t id) {
  settle(id, count_delivered, 0);
  ++stats_.envelopes_delivered;
}

void Backlog::refuse(std::uint64_t id, unsigned status) {
  // What upstream limits it has counted itself.
  if (status != kTooManyRequests) report(entries_.at(id), name(DropReason::send_error));
  settle(id, count_refused, status);
  ++stats_.envelopes_lost;
}

void Backlog::drop(std::uint64_t id, DropReason reason) {
  if (is_reported(reason)) report(entries_.at(id), name(reason));
  drop_untold(id, reason);
}

void Backlog::deliver_without(std::uint64_t id, const proto::CategoryCounts& refused,
                              unsigned status) {
  Entry& entry = entries_.at(id);
  proto::CategoryCounts taken = entry.counts.wide();
  taken -= refused;
  if (taken.total() == 0) {
    refuse(id, status);
    return;
  }
  if (refused.total() > 0) stats_.ledger.refuse(status, refused);
  entry.counts = proto::SmallCounts(taken);
  deliver(id);
}

void Backlog::drop_items(std::uint64_t id, const std::vector<bool>& flagged, DropReason reason) {
  const auto whole = load(id);
  if (!whole) return;
  const auto* envelope = whole->envelope();
  auto left = envelope == nullptr ? std::nullopt : without(*envelope, flagged);
  if (!left) {
    drop(id, reason);
    return;
  }
  const auto rest = std::make_shared<const Parcel>(RecordHead(whole->head()), std::move(*left));
  const auto kept = journal_.keep(rest->head(), rest->body());
  replace(entries_.at(id), *whole, flagged, reason, rest, kept);
}

void Backlog::drop_all(DropReason reason) {
  stats_.envelopes_lost += entries_.size();
  stats_.ledger.drop(reason, waiting());
  order_.clear();
  entries_.clear();
  bytes_ = pinned_ = 0;
  journal_.release_all();
  check();
}

void Backlog::drop_unkept(DropReason reason) {
  for (auto next = entries_.begin(); next != entries_.end();) {
    const auto& [id, entry] = *next++;
    if (entry.kept == 0) drop_untold(id, reason);
  }
}

void Backlog::drop_untold(std::uint64_t id, DropReason reason) {
  settle(id, count_dropped, static_cast<unsigned>(reason));
  ++stats_.envelopes_lost;
}

Entry* Backlog::find(std::uint64_t id) {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

std::optional<WallTime> Backlog::oldest() const {
  std::optional<WallTime> oldest;
  for (const auto& [id, entry] : entries_) {
    oldest = std::min(oldest.value_or(entry.accepted_at), entry.accepted_at);
  }
  return oldest;
}

proto::CategoryCounts Backlog::waiting() const {
  proto::CategoryCounts counts;
  for (const auto& [id, entry] : entries_) counts += entry.counts.wide();
  return counts;
}

void Backlog::replace(Entry& entry, const Parcel& whole, const std::vector<bool>& flagged,
                      DropReason reason, std::shared_ptr<const Parcel> rest,
                      const proto::Result<JournalId>& kept) {
  const proto::Envelope& envelope = *whole.envelope();
  Description description;
  proto::CategoryCounts dropped;
  try {
    // All that takes memory, before anything has changed.
    description = describe(*rest);
    dropped = counts_of(facts_of(envelope), flagged);
    for (std::size_t i = 0; is_reported(reason) && i < flagged.size(); ++i) {
      if (!flagged[i]) continue;
      proto::add_lost(entry.destination->losses, name(reason), envelope, envelope.items()[i]);
    }
  } catch (...) {
    if (kept) journal_.release(*kept);
    throw;
  }
  stats_.ledger.drop(reason, dropped);
  auto place = order_.extract(rank(entry));
  let_go(entry);
  if (kept) {
    if (entry.kept != 0) journal_.release(entry.kept);
    entry.kept = *kept;
  }
  // Without room for the smaller record the larger one stays: better some items twice than none.
  entry.only_in_memory = !kept;
  static_cast<Description&>(entry) = std::move(description);
  hold(entry, std::move(rest));
  place.key() = rank(entry);
  order_.insert(std::move(place));
  spill(0);
  if (bytes_ > settings_.max_bytes) drop(entry.id, DropReason::queue_overflow);
  check();
}

void Backlog::settle(std::uint64_t id, Fate fate, unsigned detail) {
  const auto found = entries_.find(id);
  assert(found != entries_.end() && "a request meets its fate once");
  Entry& entry = found->second;
  fate(stats_.ledger, detail, entry.counts.wide());
  let_go(entry);
  if (entry.kept != 0) journal_.release(entry.kept);
  order_.erase(rank(entry));
  entries_.erase(found);
  check();
}

void Backlog::check() const {
  // The walk over everything that waits is quadratic over a burst: debug builds only, and not for
  // long ones.
  assert(entries_.size() > 256 || stats_.ledger.balances(waiting()));
}

}  // namespace relay
