// What was lost, and why, as upstream is told: quantities by reason and category. Whoever drops
// reports; what upstream itself refused with 429 it has counted already (Sentry develop docs,
// "Client Reports"; checked 2026-11).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/category.hpp"
#include "proto/dsn.hpp"
#include "proto/timestamp.hpp"

namespace proto {

/// The longest payload of one client_report item that SDKs are asked to send.
inline constexpr std::size_t kMaxReportBytes = 4096;

/// The longest payload that Relay takes (relay-server/src/utils/sizes.rs).
inline constexpr std::size_t kMaxForeignReportBytes = 100 * std::size_t{1024};

/// The longest reason that Relay takes, in bytes.
inline constexpr std::size_t kMaxReasonBytes = 200;

/// How many entries may have a reason that the documentation does not list; those that it lists
/// have room in every category.
inline constexpr std::size_t kMaxOtherEntries = 32;

/// The losses of one DSN that upstream does not know of yet. Bounded by the reasons and categories
/// there are.
class ClientReport {
 public:
  struct Entry {
    std::string reason;
    Category category = Category::default_;
    std::uint64_t quantity = 0;
  };

  /// A sum stays at 2^32 - 1: older Relays read no larger number (relay-general's client_report.rs)
  /// and would refuse the whole report. False where nothing is taken: the internal category, which
  /// is never reported, a quantity of 0, a reason that is empty or too long, or one entry too many
  /// with a reason of its own.
  bool add(std::string_view reason, Category category, std::uint64_t quantity);

  /// Takes in what `other` has: of an SDK's report that was dropped, or of a batch that failed.
  void merge(const ClientReport& other);

  [[nodiscard]] bool empty() const { return entries_.empty(); }

  /// In the order in which they were first added.
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

  /// Moves out the oldest entries, as many as one payload of kMaxReportBytes can hold; the others
  /// stay. Empty only if this is.
  [[nodiscard]] ClientReport take_batch();

  /// A whole envelope with one client_report item, a line end behind each of its three lines. A
  /// clock before 2020 is left out of both header and payload.
  [[nodiscard]] std::string encode(const Dsn& dsn, WallTime now) const;

 private:
  std::vector<Entry> entries_;
};

/// What a client_report payload counts as discarded_events. Lenient: of what is no report, is too
/// long, or names a category that we do not know, nothing is taken.
[[nodiscard]] ClientReport parse_client_report(std::string_view payload);

}  // namespace proto
