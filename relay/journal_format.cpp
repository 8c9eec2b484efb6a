#include "relay/journal_format.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

#include "relay/crc32c.hpp"
#include "relay/little_endian.hpp"

namespace relay {
namespace {

constexpr std::string_view kSegmentMagic = "THAWSEGM";
constexpr std::array<char, kSegmentHeaderBytes> kNoHeader{};
constexpr std::string_view kRecordMagic = "TRec";
constexpr std::size_t kSegmentCrcAt = 12;
constexpr std::size_t kTypeAt = 4;
constexpr std::size_t kBodyBytesAt = 8;
constexpr std::size_t kRecordCrcAt = 12;
constexpr std::size_t kRecordSequenceAt = 16;
constexpr std::size_t kHeadBytesAt = kRecordHeaderBytes + 8;
constexpr std::size_t kUsualHead = 512;  // of an envelope: written without growing

std::uint32_t segment_crc(std::string_view header) {
  return crc32c(header.substr(kSegmentCrcAt + 4, kSegmentHeaderBytes - kSegmentCrcAt - 4),
                crc32c(header.substr(0, kSegmentCrcAt)));
}

/// Of all the header's bytes but the checksum's own.
std::uint32_t header_crc(std::string_view header) {
  return crc32c(header.substr(kRecordSequenceAt, kRecordHeaderBytes - kRecordSequenceAt),
                crc32c(header.substr(0, kRecordCrcAt)));
}

/// Of a record without a body; its checksum still to be put in.
std::array<char, kRecordHeaderBytes> record_header(RecordType type, std::uint64_t sequence) {
  std::array<char, kRecordHeaderBytes> header{};
  std::ranges::copy(kRecordMagic, header.begin());
  put_at(std::span(header), kTypeAt, static_cast<std::uint32_t>(type));
  put_at(std::span(header), kRecordSequenceAt, sequence);
  return header;
}

void put_body_bytes(std::string& record, std::size_t bytes) {
  assert(bytes <= std::numeric_limits<std::uint32_t>::max());
  put_at(std::span(record), kBodyBytesAt, static_cast<std::uint32_t>(bytes));
}

void put_categories(std::string& out, const proto::CategoryCounts& counts) {
  for (std::size_t i = 0; i < proto::kCategoryCount; ++i) {
    const auto category = static_cast<proto::Category>(i);
    if (counts[category] == 0) continue;
    put_text(out, proto::name(category));
    put(out, counts[category]);
  }
}

std::uint32_t categories_in(const proto::CategoryCounts& counts) {
  std::uint32_t categories = 0;
  for (std::size_t i = 0; i < proto::kCategoryCount; ++i) {
    if (counts[static_cast<proto::Category>(i)] != 0) ++categories;
  }
  return categories;
}

}  // namespace

std::string encode_segment_header(WallTime created) {
  std::string header(kSegmentMagic);
  put(header, kFormatVersion);
  put(header, std::uint32_t{0});
  put(header, since_1970(created));
  put(header, std::uint64_t{0});
  put_at(std::span(header), kSegmentCrcAt, segment_crc(header));
  return header;
}

SegmentKind segment_kind(std::string_view bytes) {
  if (bytes.starts_with(std::string_view(kNoHeader.data(), kNoHeader.size()))) {
    return SegmentKind::unfinished;
  }
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kSegmentMagic) ||
      number_at<std::uint32_t>(bytes, kSegmentCrcAt) != segment_crc(bytes)) {
    return SegmentKind::damaged;
  }
  const auto version = number_at<std::uint32_t>(bytes, kSegmentMagic.size());
  return version == kFormatVersion ? SegmentKind::ours : SegmentKind::other_version;
}

std::optional<RecordStart> parse_record_start(std::string_view bytes) {
  if (bytes.size() < kRecordHeaderBytes || !bytes.starts_with(kRecordMagic)) return std::nullopt;
  RecordStart start;
  start.type = number_at<std::uint32_t>(bytes, kTypeAt);
  start.body_bytes = number_at<std::uint32_t>(bytes, kBodyBytesAt);
  start.crc = number_at<std::uint32_t>(bytes, kRecordCrcAt);
  start.sequence = number_at<std::uint64_t>(bytes, kRecordSequenceAt);
  start.crc_so_far = header_crc(bytes);
  return start;
}

std::string encode_envelope(std::uint64_t sequence, const RecordHead& head, std::string_view body) {
  const RequestMeta& meta = *head.meta;
  const std::array<std::string_view, 6> texts{meta.dsn,    meta.method,     meta.target,
                                              meta.client, meta.user_agent, meta.content_type};
  const auto header = record_header(RecordType::envelope, sequence);
  std::string record;
  record.reserve(kUsualHead);
  record.append(header.data(), header.size());
  put(record, since_1970(head.accepted_at));
  put(record, std::uint32_t{0});
  put(record, categories_in(head.counts));
  for (const auto text : texts) put_text(record, text);
  put_categories(record, head.counts);
  const std::size_t head_bytes = record.size() - kRecordHeaderBytes;
  put_at(std::span(record), kHeadBytesAt, static_cast<std::uint32_t>(head_bytes));
  put_body_bytes(record, head_bytes + body.size());
  const std::string_view fields = std::string_view(record).substr(kRecordHeaderBytes);
  put_at(std::span(record), kRecordCrcAt, crc32c(body, crc32c(fields, header_crc(record))));
  return record;
}

std::uint32_t announce_body(std::span<char> envelope, std::size_t body_bytes) {
  const std::size_t head_bytes = envelope.size() - kRecordHeaderBytes;
  put_at(envelope, kBodyBytesAt, static_cast<std::uint32_t>(head_bytes + body_bytes));
  const std::string_view bytes(envelope.data(), envelope.size());
  return crc32c(bytes.substr(kRecordHeaderBytes), header_crc(bytes));
}

void put_checksum(std::span<char> envelope, std::uint32_t crc) {
  put_at(envelope, kRecordCrcAt, crc);
}

std::array<char, kSettledBytes> encode_settled(std::uint64_t sequence) noexcept {
  auto record = record_header(RecordType::settled, sequence);
  put_checksum(record, header_crc({record.data(), record.size()}));
  return record;
}

bool renumber(std::span<char> record, std::uint64_t sequence) {
  const std::string_view bytes(record.data(), record.size());
  const auto start = parse_record_start(bytes);
  if (!start || start->record_bytes() != record.size()) return false;
  const std::string_view body = bytes.substr(kRecordHeaderBytes, start->body_bytes);
  if (crc32c(body, start->crc_so_far) != start->crc) return false;
  if (start->sequence == sequence) return true;
  put_at(record, kRecordSequenceAt, sequence);
  put_at(record, kRecordCrcAt, crc32c(body, header_crc(bytes)));
  return true;
}

std::optional<std::size_t> envelope_head_bytes(std::string_view record_body) {
  if (record_body.size() < kEnvelopeFixedBytes) return std::nullopt;
  const auto head_bytes = number_at<std::uint32_t>(record_body, 8);
  if (head_bytes < kEnvelopeFixedBytes) return std::nullopt;
  return head_bytes;
}

std::optional<RecordHead> parse_envelope_head(std::string_view bytes) {
  Cursor cursor(bytes);
  const auto accepted_at = time_of(cursor.number<std::uint64_t>());
  const auto head_bytes = cursor.number<std::uint32_t>();
  const auto categories = cursor.number<std::uint32_t>();
  if (!accepted_at || head_bytes != bytes.size()) return std::nullopt;
  RequestMeta meta;
  for (std::string* text : {&meta.dsn, &meta.method, &meta.target, &meta.client, &meta.user_agent,
                            &meta.content_type}) {
    *text = cursor.text();
  }
  RecordHead head{*accepted_at, std::make_shared<const RequestMeta>(std::move(meta))};
  for (std::uint32_t i = 0; i < categories && cursor.good(); ++i) {
    const auto category = proto::category_of_name(cursor.text());
    head.counts.add(category.value_or(proto::Category::default_), cursor.number<std::uint64_t>());
  }
  if (!cursor.at_end()) return std::nullopt;
  return head;
}

}  // namespace relay
