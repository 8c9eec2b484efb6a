// The bytes of the journal's files. Pure: bytes in, bytes out. Numbers are little-endian and of
// fixed width; whatever is read is taken for hostile until its checksum fits.
//
// A segment is a header and then records, each beginning at a multiple of 8.
//
//   segment header                      record header
//   at size                             at size
//    0   8  magic "THAWSEGM"             0   4  magic "TRec"
//    8   4  format version, 1            4   4  type: 1 envelope, 2 settled, 3 open invoke
//   12   4  CRC32C of the other bytes    8   4  length of the body that follows
//   16   8  creation, ns since 1970     12   4  CRC32C of the header's other bytes and the body
//   24   8  0                           16   8  sequence
//                                       24      body, then zeros up to a multiple of 8
//
// A large record has a segment of its own, whose first 32 bytes and the record's head are written
// last: where those are zeros, nothing was ever promised.
//
// The sequence of an envelope names it within its segment. That of a settled record, which has no
// body, says which envelope of the same segment has met its fate. An open invoke is only reserved.
//
//   body of an envelope record
//   at size
//    0   8  accept time, ns since 1970
//    8   4  size of all that stands before the request body
//   12   4  number of data categories
//   16      DSN, method, target, sentry_client, User-Agent, Content-Type: each a length of 4 bytes
//           and its text
//           per category: the length of its name (4 bytes), its name, a quantity (8 bytes)
//           the request body, decoded, up to the end of the record
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "relay/record.hpp"

namespace relay {

inline constexpr std::size_t kSegmentHeaderBytes = 32;
inline constexpr std::size_t kRecordHeaderBytes = 24;
inline constexpr std::size_t kSettledBytes = kRecordHeaderBytes;
/// From the body's beginning: enough to ask envelope_head_bytes().
inline constexpr std::size_t kEnvelopeFixedBytes = 16;
inline constexpr std::uint32_t kFormatVersion = 1;

/// `bytes` rounded up to where the next record may begin.
[[nodiscard]] constexpr std::uint64_t aligned(std::uint64_t bytes) { return (bytes + 7) / 8 * 8; }

/// What stands in between.
inline constexpr std::string_view kRecordPadding{"\0\0\0\0\0\0\0", 7};

[[nodiscard]] std::string encode_segment_header(WallTime created);

enum class SegmentKind {
  ours,
  other_version,
  unfinished,  ///< zeros: the writing of a large record never came to its end
  damaged,
};
/// `bytes`: what stands at the beginning of the file. Damaged is also what never was a segment.
[[nodiscard]] SegmentKind segment_kind(std::string_view bytes);

enum class RecordType : std::uint32_t { envelope = 1, settled = 2, open_invoke = 3 };

/// What the first 24 bytes of a record say.
struct RecordStart {
  std::uint32_t type = 0;  ///< a RecordType, or one of a later day: to be skipped
  std::uint32_t body_bytes = 0;
  std::uint64_t sequence = 0;
  std::uint32_t crc = 0;         ///< what it should be
  std::uint32_t crc_so_far = 0;  ///< of the header; continue it with the body

  /// The whole record, padding included.
  [[nodiscard]] std::uint64_t record_bytes() const {
    return aligned(kRecordHeaderBytes + std::uint64_t{body_bytes});
  }
};

/// nullopt: no record begins here.
[[nodiscard]] std::optional<RecordStart> parse_record_start(std::string_view bytes);

/// All of an envelope record that stands before the request body; the body and zeros up to a
/// multiple of 8 follow it. Together they must stay below 4 GiB.
[[nodiscard]] std::string encode_envelope(std::uint64_t sequence, const RecordHead& head,
                                          std::string_view body);

/// Makes an envelope that was encoded without its body announce one of `body_bytes`, whose checksum
/// is not known yet. Returns the checksum so far: to be continued with the body.
[[nodiscard]] std::uint32_t announce_body(std::span<char> envelope, std::size_t body_bytes);
/// The last touch: the checksum of it all.
void put_checksum(std::span<char> envelope, std::uint32_t crc);

/// Takes no memory: what has met its fate is told so whatever happens.
[[nodiscard]] std::array<char, kSettledBytes> encode_settled(std::uint64_t sequence) noexcept;

/// Gives a whole record another sequence. False, and nothing done, if it is damaged.
[[nodiscard]] bool renumber(std::span<char> record, std::uint64_t sequence);

/// Where the request body begins, counted from the beginning of the record's body. nullopt: this is
/// no envelope, or fewer than kEnvelopeFixedBytes.
[[nodiscard]] std::optional<std::size_t> envelope_head_bytes(std::string_view record_body);

/// `head`: the first envelope_head_bytes() of the record's body. A category of an unknown name
/// counts as default. nullopt: not well-formed.
[[nodiscard]] std::optional<RecordHead> parse_envelope_head(std::string_view head);

}  // namespace relay
