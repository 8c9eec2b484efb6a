#include "relay/journal_format.hpp"

#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "relay/crc32c.hpp"
#include "tests/support/records.hpp"

using proto::Category;
using relay::RecordType;
using relay::SegmentKind;
using support::check_same;
using support::record_head;

namespace {

std::string padded(std::string bytes) {
  bytes.resize(relay::aligned(bytes.size()), '\0');
  return bytes;
}

std::string whole(std::uint64_t sequence, const relay::RecordHead& head, std::string_view body) {
  return padded(relay::encode_envelope(sequence, head, body) + std::string(body));
}

/// What reading makes of a record: nullopt if it is refused.
std::optional<relay::RecordHead> decode(std::string_view record) {
  const auto start = relay::parse_record_start(record);
  if (!start || start->record_bytes() > record.size()) return std::nullopt;
  const auto body = record.substr(relay::kRecordHeaderBytes, start->body_bytes);
  if (relay::crc32c(body, start->crc_so_far) != start->crc) return std::nullopt;
  const auto head_bytes = relay::envelope_head_bytes(body);
  if (!head_bytes || *head_bytes > body.size()) return std::nullopt;
  return relay::parse_envelope_head(body.substr(0, *head_bytes));
}

}  // namespace

TEST_SUITE_BEGIN("relay/journal_format");

TEST_CASE("a segment header has the documented bytes") {
  const auto header = relay::encode_segment_header(relay::WallTime(std::chrono::seconds(1)));
  REQUIRE(header.size() == relay::kSegmentHeaderBytes);
  CHECK(header.substr(0, 8) == "THAWSEGM");
  CHECK(header.substr(8, 4) == std::string("\x01\0\0\0", 4));
  CHECK(header.substr(16) == std::string("\x00\xCA\x9A\x3B\0\0\0\0\0\0\0\0\0\0\0\0", 16));
  CHECK(relay::segment_kind(header) == SegmentKind::ours);
}

TEST_CASE("a header of another version is told from a damaged one") {
  const auto header = relay::encode_segment_header({});
  std::string other = header;
  other[8] = 2;
  CHECK(relay::segment_kind(other) == SegmentKind::damaged);
  const auto sum = relay::crc32c(other.substr(16), relay::crc32c(other.substr(0, 12)));
  for (unsigned i = 0; i < 4; ++i) other[12 + i] = static_cast<char>(sum >> (8 * i));
  CHECK(relay::segment_kind(other) == SegmentKind::other_version);
  for (std::size_t i = 0; i < header.size(); ++i) {
    std::string flipped = header;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    CHECK(relay::segment_kind(flipped) == SegmentKind::damaged);
    CHECK(relay::segment_kind(header.substr(0, i)) == SegmentKind::damaged);
  }
}

TEST_CASE("zeros where the header belongs are told from a damaged one") {
  CHECK(relay::segment_kind(std::string(32, '\0')) == SegmentKind::unfinished);
  CHECK(relay::segment_kind(std::string(100, '\0')) == SegmentKind::unfinished);
  CHECK(relay::segment_kind(std::string(31, '\0')) == SegmentKind::damaged);
  CHECK(relay::segment_kind(std::string(31, '\0') + '\1') == SegmentKind::damaged);
}

TEST_CASE("an envelope whose checksum comes last has the same bytes") {
  const auto head = record_head();
  for (const std::string body : {"", "body"}) {
    std::string front = relay::encode_envelope(3, head, {});
    relay::put_checksum(front, relay::crc32c(body, relay::announce_body(front, body.size())));
    CHECK(front == relay::encode_envelope(3, head, body));
  }
}

TEST_CASE("an envelope record has the documented bytes") {
  auto head = support::head_of({"D", "", "", "", "", ""});
  head.accepted_at = relay::WallTime(std::chrono::nanoseconds(5));
  head.counts.add(Category::error, 3);
  const auto record = relay::encode_envelope(7, head, "body");
  const std::string fields = std::string("\x05\0\0\0\0\0\0\0\x3A\0\0\0\x01\0\0\0", 16) +  //
                             std::string("\x01\0\0\0D", 5) + std::string(20, '\0') +
                             std::string("\x05\0\0\0error\x03\0\0\0\0\0\0\0", 17);
  REQUIRE(fields.size() == 0x3A);
  CHECK(record.substr(relay::kRecordHeaderBytes) == fields);
  CHECK(record.substr(0, 12) == std::string("TRec\x01\0\0\0\x3E\0\0\0", 12));
  CHECK(record.substr(16, 8) == std::string("\x07\0\0\0\0\0\0\0", 8));
}

TEST_CASE("what was encoded is parsed, to the last field") {
  for (const std::size_t size : {0UL, 1UL, 7UL, 8UL, 9UL, 100'000UL}) {
    CAPTURE(size);
    const auto head = record_head();
    const auto record = whole(9, head, std::string(size, 'x'));
    const auto start = relay::parse_record_start(record);
    REQUIRE(start.has_value());
    CHECK(start->type == static_cast<std::uint32_t>(RecordType::envelope));
    CHECK(start->sequence == 9);
    CHECK(start->record_bytes() == record.size());
    const auto parsed = decode(record);
    REQUIRE(parsed.has_value());
    check_same(*parsed, head);
  }
}

TEST_CASE("an empty head is parsed too, and a time before 1970 is 1970") {
  relay::RecordHead head;
  head.accepted_at = relay::WallTime(std::chrono::seconds(-5));
  const auto parsed = decode(whole(1, head, ""));
  REQUIRE(parsed.has_value());
  CHECK(parsed->accepted_at == relay::WallTime{});
  CHECK(parsed->counts.total() == 0);
}

TEST_CASE("a category of a later day counts as default") {
  relay::RecordHead head;
  head.counts.add(Category::error, 3);
  std::string bytes = relay::encode_envelope(1, head, "").substr(relay::kRecordHeaderBytes);
  bytes.replace(bytes.find("error"), 5, "novel");
  const auto parsed = relay::parse_envelope_head(bytes);
  REQUIRE(parsed.has_value());
  CHECK(parsed->counts[Category::default_] == 3);
}

TEST_CASE("a settled record is a header alone and names whom it settles") {
  const auto record = relay::encode_settled(77);
  const auto start = relay::parse_record_start({record.data(), record.size()});
  REQUIRE(start.has_value());
  CHECK(start->type == static_cast<std::uint32_t>(RecordType::settled));
  CHECK(start->sequence == 77);
  CHECK(start->crc == start->crc_so_far);
  CHECK(start->record_bytes() == record.size());
}

TEST_CASE("a record with another number is the same record") {
  std::string record = whole(1, record_head(), "body");
  REQUIRE(relay::renumber(record, 2));
  CHECK(record == whole(2, record_head(), "body"));
  REQUIRE(relay::renumber(record, 2));
  CHECK(record == whole(2, record_head(), "body"));
  record.back() = 'x';  // padding is nobody's
  CHECK(relay::renumber(record, 3));
  record[relay::kRecordHeaderBytes] = static_cast<char>(record[relay::kRecordHeaderBytes] ^ 1);
  const std::string damaged = record;
  CHECK_FALSE(relay::renumber(record, 4));
  CHECK(record == damaged);
  CHECK_FALSE(relay::renumber(std::span(record).first(record.size() - 8), 4));
}

TEST_CASE("any flipped bit, and any cut, is seen") {
  const std::string record = whole(1, record_head(), "eight by");
  for (std::size_t bit = 0; bit < (record.size() - 7) * 8; ++bit) {
    std::string flipped = record;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
    if (relay::aligned(record.size()) == record.size() && bit / 8 >= record.size() - 7) continue;
    REQUIRE_FALSE(decode(flipped).has_value());
  }
  for (std::size_t size = 0; size < record.size(); ++size) {
    REQUIRE_FALSE(decode(std::string_view(record).substr(0, size)).has_value());
  }
}

TEST_CASE("hostile bytes are refused or parsed, and nothing is read beyond them") {
  std::mt19937 random(1);
  const std::string good = relay::encode_envelope(1, record_head(), "body");
  for (int round = 0; round < 20'000; ++round) {
    std::vector<char> bytes(good.begin() + relay::kRecordHeaderBytes, good.end());
    bytes.resize(random() % (bytes.size() + 1));
    for (unsigned flips = random() % 4; flips > 0 && !bytes.empty(); --flips) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    // A block of its own, so that the address sanitizer sees a step too far.
    const std::string_view view(bytes.data(), bytes.size());
    const auto head_bytes = relay::envelope_head_bytes(view);
    if (head_bytes && *head_bytes <= view.size()) {
      static_cast<void>(relay::parse_envelope_head(view.substr(0, *head_bytes)));
    }
    static_cast<void>(relay::parse_envelope_head(view));
    static_cast<void>(relay::parse_record_start(view));
    static_cast<void>(relay::segment_kind(view));
    static_cast<void>(relay::renumber(std::span(bytes), 1));
  }
}

TEST_SUITE_END();
