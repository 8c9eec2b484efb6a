// What was accepted and has not met its fate yet. Bounded by count, by bytes in memory and by the
// journal; urgent before the rest, then older before newer; evicts in the opposite order. Nothing
// leaves but through settle().
#pragma once

#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

#include "relay/entry.hpp"
#include "relay/settings.hpp"
#include "relay/stats.hpp"

namespace relay {

class Backlog {
 public:
  Backlog(BacklogSettings settings, Journal& journal, Stats& stats);

  /// Makes room, writes the journal and takes the request in. False: full, everything that waits is
  /// at least as urgent. `awake`: Delivery::awake() now.
  [[nodiscard]] bool accept(Parcel&& parcel, Destination& destination, milliseconds awake);

  /// Whether accept() need not make the journal give room back for about `bytes`.
  [[nodiscard]] bool has_room(std::size_t bytes) const { return journal_.has_room(bytes); }

  /// accept() some at a time; see accepting.hpp.
  class Accepting;

  /// One that an earlier process left waiting, kept under `kept`. Without room for it, it is
  /// dropped and counted.
  void recover(JournalId kept, Parcel&& parcel, Destination& destination, milliseconds awake);
  /// One that has no way any more: counted as recovered and dropped at once.
  void recover_lost(JournalId kept, const proto::CategoryCounts& counts, DropReason reason);

  /// Ends the request's life with one fate.
  void deliver(std::uint64_t id);
  void refuse(std::uint64_t id, unsigned status);
  void drop(std::uint64_t id, DropReason reason);
  /// Upstream has refused `refused` of it and taken the rest.
  void deliver_without(std::uint64_t id, const proto::CategoryCounts& refused, unsigned status);
  /// Drops some of an envelope's items; it goes on without them. Ends it if nothing is left.
  void drop_items(std::uint64_t id, const std::vector<bool>& flagged, DropReason reason);

  /// drop_items() some at a time; see reducing.hpp.
  class Reducing;
  /// At the end, everything that still waits. Upstream is not told: it is out of reach, and to read
  /// ten thousand bodies for that takes longer than there is time.
  void drop_all(DropReason reason);
  /// The same for what would die with this process.
  void drop_unkept(DropReason reason);

  /// nullptr if it has met its fate. Valid until then.
  [[nodiscard]] Entry* find(std::uint64_t id);

  /// The last one accepted or recovered that has not met its fate; nullptr: none waits.
  [[nodiscard]] Entry* newest() {
    return entries_.empty() ? nullptr : &std::prev(entries_.end())->second;
  }

  /// Its body and what came with it, as it is now: whatever becomes of the entry, the share stays.
  /// nullptr: the journal could not give it back, and it has been dropped for that.
  [[nodiscard]] std::shared_ptr<const Parcel> load(std::uint64_t id);
  /// The same some at a time: about `bytes` of what the journal has to be asked for, which
  /// `reading` remembers. nullopt: there is more.
  [[nodiscard]] std::optional<std::shared_ptr<const Parcel>> load_some(std::uint64_t id,
                                                                       RecordReading& reading,
                                                                       std::size_t bytes);

  /// Those that wait, most urgent first, then oldest; a check-in only if no older one of its DSN
  /// waits or is in flight. `take` changes no fate, and returns false to stop the walk.
  template <class Take>
  void each_in_order(Take take);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  /// What is accepted from now on has no lower one.
  [[nodiscard]] std::uint64_t next_id() const { return next_id_; }

  /// Of the parcels in memory.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// When the oldest of them was accepted; nullopt: none waits.
  [[nodiscard]] std::optional<WallTime> oldest() const;

  /// Counted over what is here, for the equation.
  [[nodiscard]] proto::CategoryCounts waiting() const;

 private:
  /// Sorts urgent first, then old first.
  struct Rank {
    proto::Urgency urgency;
    bool fresh;            ///< accepted by this process
    WallTime accepted_at;  ///< of those that were not: their ids say how they were found
    std::uint64_t id;

    auto operator<=>(const Rank& other) const {
      if (urgency != other.urgency) return other.urgency <=> urgency;
      if (fresh != other.fresh) return fresh <=> other.fresh;
      if (accepted_at != other.accepted_at) return accepted_at <=> other.accepted_at;
      return id <=> other.id;
    }

    bool operator==(const Rank&) const = default;
  };

  using Fate = void (*)(Ledger&, unsigned detail, const proto::CategoryCounts&);
  using Victims = std::vector<std::uint64_t>;

  /// Walks those that may be evicted for something of `urgency`, the first to go first; `take`
  /// returns false to stop.
  template <class Take>
  void each_victim(proto::Urgency urgency, Take take) const;
  /// Who has to go so that one more of `urgency` fits, `bytes` of it in memory; nullopt if that
  /// cannot be.
  [[nodiscard]] std::optional<Victims> victims_for(proto::Urgency urgency, std::size_t bytes) const;
  [[nodiscard]] bool make_room(proto::Urgency urgency, std::size_t bytes);
  /// 0: no place, with `full` set when that is the journal's limit and nothing can be evicted.
  [[nodiscard]] JournalId keep(const Parcel& parcel, bool& full);
  /// accept() where there is a place: the journal's part, then take_in().
  [[nodiscard]] bool take_at_once(Entry entry, Parcel&& parcel);
  /// The last part of accept(), after the journal's.
  [[nodiscard]] bool take_in(Entry entry, Parcel&& parcel);
  /// Those that go next to make room in the journal for the parcel, `most` of them; `freed` bytes
  /// have gone already. Empty: all together they would not be enough.
  [[nodiscard]] Victims first_to_go(const Parcel& parcel, std::size_t freed,
                                    std::size_t most) const;
  /// Some of first_to_go() go; `freed` grows by their bytes. False: nothing that may go would help.
  [[nodiscard]] bool evict_some(const Parcel& parcel, std::size_t& freed, std::size_t most);
  /// Whether all that may go for the parcel together would make room in the journal.
  [[nodiscard]] bool eviction_helps(const Parcel& parcel) const;
  void insert(Entry entry, Parcel&& parcel);
  void hold(Entry& entry, std::shared_ptr<const Parcel> parcel);
  void let_go(Entry& entry);
  void spill(std::size_t room_for);
  [[nodiscard]] std::shared_ptr<const Parcel> peek(const Entry& entry);
  [[nodiscard]] std::shared_ptr<const Parcel> or_dropped(std::uint64_t id,
                                                         std::shared_ptr<const Parcel> loaded);
  /// For the next client report.
  void report(const Entry& entry, std::string_view reason);
  /// `whole`, which is the entry's, goes on as `rest`, for which the journal did what `kept` says.
  void replace(Entry& entry, const Parcel& whole, const std::vector<bool>& flagged,
               DropReason reason, std::shared_ptr<const Parcel> rest,
               const proto::Result<JournalId>& kept);
  void drop_untold(std::uint64_t id, DropReason reason);
  void settle(std::uint64_t id, Fate fate, unsigned detail);
  void check() const;

  static Rank rank(const Entry& entry) {
    // Within one process the clock may step; the ids do not.
    const WallTime accepted_at = entry.recovered ? entry.accepted_at : WallTime{};
    return {entry.urgency, !entry.recovered, accepted_at, entry.id};
  }

  BacklogSettings settings_;
  Journal& journal_;
  Stats& stats_;
  std::map<std::uint64_t, Entry> entries_;
  std::map<Rank, Entry*> order_;
  std::size_t bytes_ = 0;   ///< parcels in memory
  std::size_t pinned_ = 0;  ///< of them, those that the journal cannot give back
  std::uint64_t next_id_ = 1;
};

template <class Take>
void Backlog::each_in_order(Take take) {
  // Check-ins of one DSN leave one at a time in the order they came: the oldest one, in flight or
  // not, hides the others. They share one urgency, so the oldest comes first in this walk.
  std::set<const Destination*> checked_in;
  for (const auto& [rank, entry] : order_) {
    const bool first = !entry->check_in || (checked_in.insert(entry->destination).second &&
                                            !entry->destination->check_in_flight);
    if (entry->in_flight || !first) continue;
    if (!take(*entry)) return;
  }
}

}  // namespace relay
