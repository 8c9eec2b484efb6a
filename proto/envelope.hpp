// Envelope bytes -> header and item views, byte-exact to Relay's parser, without copying a payload.
// Format: Sentry develop docs, "Envelopes"; behaviour: getsentry/relay
// relay-server/src/envelope/mod.rs (checked 2026-11). The parser never looks into payloads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/bytes.hpp"
#include "proto/category.hpp"
#include "proto/dsn.hpp"
#include "proto/result.hpp"
#include "proto/timestamp.hpp"

namespace proto {

class JsonMembers;

/// What parsing takes for a moment: who parses many keeps it from one to the next.
class ParserMemory {
 public:
  ParserMemory();
  ParserMemory(const ParserMemory&) = delete;
  ParserMemory& operator=(const ParserMemory&) = delete;
  ~ParserMemory();

 private:
  friend class Envelope;
  std::unique_ptr<JsonMembers> members_;
};

/// Relay's limit of items in one envelope.
inline constexpr std::size_t kMaxItems = 500;

/// The longest header, of the envelope or of an item, braces included. Ours, not Relay's: reading
/// one takes several times its size in memory. SDKs' headers stay below a few KiB.
inline constexpr std::size_t kMaxHeaderBytes = 64 * std::size_t{1024};

/// One item; offsets into the envelope's bytes, so that a move of the envelope leaves them right.
struct Item {
  std::string type;                         ///< unescaped
  std::string attachment_type;              ///< unescaped, "" if absent
  std::string platform;                     ///< unescaped, "" if absent
  std::uint64_t item_count = 0;             ///< header item_count, 0 if absent or not a number
  std::optional<std::uint64_t> span_count;  ///< header span_count, of a transaction
  std::size_t begin = 0;                    ///< first byte of the item header's line
  std::size_t payload_begin = 0;
  std::size_t end = 0;  ///< behind the payload's last byte; the LF behind it is not included

  [[nodiscard]] ItemFacts facts() const& { return {type, attachment_type, platform}; }

  ItemFacts facts() const&& = delete;
};

/// 32 lower-case hex digits. With the envelope, not on the heap: each one has it.
using EventId = std::array<char, 32>;

/// How many of an envelope's items are an `event` or `transaction`: of those upstream drops a
/// second one, best effort, by the event's id. None where the header holds none: then upstream
/// makes one up each time (getsentry/relay: relay-server/src/envelope/mod.rs, parse_request).
enum class Deduplicated : std::uint8_t { none, some, all };

/// An accepted body with what we need to know of it. Owns its bytes.
class Envelope {
 public:
  /// Errors: envelope_* as Relay gives them, in the order in which Relay would find them. A header
  /// that is too long is an invalid one.
  [[nodiscard]] static Result<Envelope> parse(Bytes body);
  [[nodiscard]] static Result<Envelope> parse(Bytes body, ParserMemory& memory);

  /// Header event_id as 32 lower-case hex digits, "" if absent. Lives as long as this envelope.
  [[nodiscard]] std::string_view event_id() const& {
    return event_id_ ? std::string_view(event_id_->data(), event_id_->size()) : "";
  }

  std::string_view event_id() const&& = delete;

  /// The header's dsn, if it had one.
  [[nodiscard]] const std::optional<Dsn>& dsn() const { return dsn_; }

  [[nodiscard]] const std::vector<Item>& items() const { return items_; }

  [[nodiscard]] std::string_view bytes() const& { return body_.view(); }

  std::string_view bytes() const&& = delete;

  /// The header has a member `trace`.
  [[nodiscard]] bool names_trace() const { return names_trace_; }

  /// The header, a JSON object. Lives as long as this envelope.
  [[nodiscard]] std::string_view header() const& { return bytes().substr(0, header_end_); }

  std::string_view header() const&& = delete;

  /// Everything behind the header's line, as it came, blank lines before the first item included.
  /// Empty for an envelope without items. Lives as long as this envelope.
  [[nodiscard]] std::string_view items_as_they_came() const&;
  std::string_view items_as_they_came() const&& = delete;

  /// The header's line, LF included and blanks before the object left out, with `dsn` and `sent_at`
  /// replaced (or added) and every other byte of every other member as it came. A clock before 2020
  /// removes sent_at instead.
  [[nodiscard]] std::string restamped_header(const Dsn& dsn, WallTime now) const;

  [[nodiscard]] CategoryCounts counts() const { return counts_.wide(); }

  /// The most urgent item's.
  [[nodiscard]] Urgency urgency() const { return urgency_; }

  [[nodiscard]] Deduplicated deduplicated_upstream() const {
    return event_id_ ? deduplicated_ : Deduplicated::none;
  }

 private:
  [[nodiscard]] static Result<Envelope> parse(Bytes body, JsonMembers& members);
  /// Of the body as it is here.
  [[nodiscard]] boost::system::error_code read(JsonMembers& members);
  void count(const Item& item);

  Bytes body_;
  std::size_t header_end_ = 0;  ///< behind the closing brace of the envelope header
  std::optional<EventId> event_id_;
  std::optional<Dsn> dsn_;
  std::vector<Item> items_;
  SmallCounts counts_;
  Urgency urgency_ = Urgency::bulk;
  Deduplicated deduplicated_ = Deduplicated::none;
  bool names_trace_ = false;
};

/// Relay's size and count limits per item type (relay-server/src/utils/sizes.rs). Returns the type
/// that breaks one: 413 "envelope exceeded size limits for type '…'". nullopt if none does.
[[nodiscard]] std::optional<std::string> exceeded_size_limit(const Envelope& envelope);

/// Whether the envelope's dsn, if it has one, names the key and project of its request; host, port
/// and path are not compared, as in Relay. Errors: envelope_project_mismatch,
/// envelope_key_mismatch.
[[nodiscard]] boost::system::error_code check_dsn_agrees(const Envelope& envelope,
                                                         std::string_view public_key,
                                                         std::uint64_t project_id);

/// From 32 hex digits or a dashed UUID; nullopt if it is neither.
[[nodiscard]] std::optional<EventId> normalize_event_id(std::string_view text);

}  // namespace proto
