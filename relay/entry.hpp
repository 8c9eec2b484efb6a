// What is known of one waiting request at any time, whether its body is in memory or only in the
// journal; and what delivering it has taught. Small: there may be ten thousand.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proto/client_report.hpp"
#include "relay/destinations.hpp"
#include "relay/journal.hpp"
#include "relay/parcel.hpp"
#include "relay/retry_policy.hpp"

namespace relay {

/// What may be asked of a large one that is not in memory: to read it again takes longer than one
/// turn of the loop may.
struct LargeFacts {
  struct Item {
    std::string type;
    std::string attachment_type;
    std::string platform;
  };

  std::vector<Item> items;         ///< empty: opaque
  proto::CategoryCounts reported;  ///< what its loss is reported as
  proto::ClientReport carried;     ///< what client reports in it tell of, which is lost with it
};

/// What its parcel says of it, which may lose items.
struct Description {
  proto::SmallCounts counts;
  std::unique_ptr<const LargeFacts> large;  ///< nullptr: it is not
  std::size_t bytes = 0;                    ///< of the decoded body

  proto::Urgency urgency = proto::Urgency::bulk;
  proto::Deduplicated deduplicated_upstream = proto::Deduplicated::none;
  bool check_in = false;
};

struct Entry : Description {
  std::uint64_t id = 0;
  JournalId kept = 0;  ///< 0: in memory only
  Destination* destination = nullptr;
  std::shared_ptr<const Parcel> parcel;  ///< null: read it from the journal

  bool recovered = false;  ///< left by an earlier process: older than anything accepted by this one
  /// The journal does not have it, or not without the items that were taken out.
  bool only_in_memory = false;

  bool in_flight = false;
  bool maybe_cut = false;          ///< its last try failed where a freeze may have been the reason
  std::uint8_t full_writes = 0;    ///< sent completely, never answered
  std::uint8_t server_errors = 0;  ///< 500 and its like
  unsigned tried_at_end = 0;       ///< in which draining it was begun last, counted from 1
  unsigned tries = 0;
  unsigned failures = 0;  ///< in a row, for the back-off
  WallTime accepted_at{};
  WallTime first_written{};  ///< the first of full_writes
  WallTime back_off_begun{};
  milliseconds back_off{0};
  milliseconds awake_at_accept{0};
};

/// One that is accepted now; without a place in the journal yet.
[[nodiscard]] Entry entry_of(const Parcel& parcel, Destination& destination, milliseconds awake);

[[nodiscard]] Description describe(const Parcel& parcel);

/// For writes_left().
[[nodiscard]] WrittenFacts written_facts(const Entry& entry, WallTime now);

}  // namespace relay
