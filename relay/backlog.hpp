// What was accepted and has not met its fate yet. Bounded by count and bytes; urgent before the
// rest, then older before newer; evicts in the opposite order. Nothing leaves but through settle().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "proto/envelope.hpp"
#include "relay/destinations.hpp"
#include "relay/due.hpp"
#include "relay/journal.hpp"
#include "relay/settings.hpp"
#include "relay/stats.hpp"

namespace relay {

/// One accepted envelope with what delivering it has taught us.
struct Entry {
  std::uint64_t id = 0;
  proto::Envelope envelope;
  Destination* destination = nullptr;
  std::string client;      ///< sentry_client
  std::string user_agent;  ///< "" if the SDK sent none

  bool in_flight = false;
  unsigned tries = 0;
  unsigned failures = 0;       ///< in a row, for the back-off
  unsigned full_writes = 0;    ///< sent completely, never answered
  unsigned server_errors = 0;  ///< 500 and its like
  WallTime back_off_begun{};
  milliseconds back_off{0};
  milliseconds awake_at_accept{0};
  bool maybe_cut = false;  ///< its last try failed where a freeze may have been the reason
};

class Backlog {
 public:
  Backlog(BacklogSettings settings, Journal& journal, Stats& stats);

  /// Makes room and takes the envelope in. False: full, everything that waits is at least as
  /// urgent.
  [[nodiscard]] bool accept(Entry entry);

  /// Ends the envelope's life with one fate. `Count` says where it goes in the accounts.
  void deliver(std::uint64_t id);
  void refuse(std::uint64_t id, unsigned status);
  void drop(std::uint64_t id, DropReason reason);
  /// The same for some of its items; the envelope goes on without them. Ends it if nothing is left.
  void refuse_items(std::uint64_t id, const std::vector<bool>& flagged, unsigned status);
  void drop_items(std::uint64_t id, const std::vector<bool>& flagged, DropReason reason);
  /// Everything that still waits.
  void drop_all(DropReason reason);

  /// nullptr if it has met its fate. Valid until then.
  [[nodiscard]] Entry* find(std::uint64_t id);

  /// Those that wait, most urgent first, then oldest; a check-in only if no older one of its DSN
  /// waits or is in flight. `take` changes no fate, and returns false to stop the walk.
  template <class Take>
  void each_in_order(Take take);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  /// Counted over what is here, for the equation.
  [[nodiscard]] proto::CategoryCounts waiting() const;

 private:
  /// Sorts urgent first, then old first.
  struct Rank {
    proto::Urgency urgency;
    std::uint64_t id;

    auto operator<=>(const Rank& other) const {
      if (urgency != other.urgency) return other.urgency <=> urgency;
      return id <=> other.id;
    }

    bool operator==(const Rank&) const = default;
  };

  using Fate = void (*)(Ledger&, unsigned detail, const proto::CategoryCounts&);

  /// Who has to go so that `bytes` more of `urgency` fit; nullopt if that cannot be.
  [[nodiscard]] std::optional<std::vector<std::uint64_t>> evicted_for(proto::Urgency urgency,
                                                                      std::size_t bytes) const;
  void insert(Entry entry);
  void reduce(std::uint64_t id, const std::vector<bool>& flagged, Fate fate, unsigned detail);
  void settle(std::uint64_t id, Fate fate, unsigned detail);
  void check() const;

  static Rank rank(const Entry& entry) { return {entry.envelope.urgency(), entry.id}; }

  BacklogSettings settings_;
  Journal& journal_;
  Stats& stats_;
  std::map<std::uint64_t, Entry> entries_;
  std::map<Rank, Entry*> order_;
  std::size_t bytes_ = 0;
  std::uint64_t next_id_ = 1;
};

template <class Take>
void Backlog::each_in_order(Take take) {
  // Check-ins of one DSN leave one at a time in the order they came: the oldest one, in flight or
  // not, hides the others. They share one urgency, so the oldest comes first in this walk.
  std::set<const Destination*> checked_in;
  for (const auto& [rank, entry] : order_) {
    const bool first =
        !entry->envelope.has_check_in() || checked_in.insert(entry->destination).second;
    if (entry->in_flight || !first) continue;
    if (!take(*entry)) return;
  }
}

}  // namespace relay
