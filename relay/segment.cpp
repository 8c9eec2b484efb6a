#include "relay/segment.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "relay/crc32c.hpp"
#include "relay/errc.hpp"
#include "relay/journal_format.hpp"

namespace relay {
namespace {

// Holds the head of nearly every record, and the whole of most: one read.
constexpr std::size_t kFirstRead = 2048;

/// Errors: the disk's; Errc::journal_damaged when the file ends before `size`.
proto::Result<void> read_all(Disk& disk, const Descriptor& file, std::uint64_t at, char* into,
                             std::size_t size) {
  const auto count = disk.read(file, at, into, size);
  if (!count) return count.error();
  if (*count != size) return Errc::journal_damaged;
  return {};
}

/// Makes `text` the first `size` bytes of the record at `at`; what it holds already is kept.
proto::Result<void> extend(Disk& disk, const Descriptor& file, std::uint64_t at, std::string& text,
                           std::size_t size) {
  const std::size_t had = text.size();
  if (size <= had) return {};
  text.resize(size);
  return read_all(disk, file, at + had, text.data() + had, size - had);
}

}  // namespace

proto::Result<Record> read_record(Disk& disk, const Descriptor& file, RecordPlace place) {
  return *RecordReading().step(disk, file, place, std::numeric_limits<std::size_t>::max());
}

std::optional<proto::Result<Record>> RecordReading::step(Disk& disk, const Descriptor& file,
                                                         RecordPlace place, std::size_t bytes) {
  if (!begun_) {
    if (const auto begun = begin(disk, file, place); !begun) return begun.error();
  }
  const std::size_t part = std::min(bytes, body_.size() - read_);
  const std::uint64_t at = place.at + kRecordHeaderBytes + fields_.size() + read_;
  const auto found = read_all(disk, file, at, body_.data() + read_, part);
  if (!found) return found.error();
  crc_ = crc32c(body_.view().substr(read_, part), crc_);
  read_ += part;
  if (read_ < body_.size()) return std::nullopt;
  return end();
}

proto::Result<void> RecordReading::begin(Disk& disk, const Descriptor& file, RecordPlace place) {
  std::string front;
  auto failed = extend(disk, file, place.at, front, std::min<std::size_t>(place.bytes, kFirstRead));
  if (!failed) return failed.error();
  const auto start = parse_record_start(front);
  if (!start || start->record_bytes() != place.bytes) return Errc::journal_damaged;
  const auto head_bytes = envelope_head_bytes(std::string_view(front).substr(kRecordHeaderBytes));
  if (!head_bytes || *head_bytes > start->body_bytes) return Errc::journal_damaged;
  const std::size_t body_at = kRecordHeaderBytes + *head_bytes;
  failed = extend(disk, file, place.at, front, body_at);
  if (!failed) return failed.error();

  fields_ = front.substr(kRecordHeaderBytes, *head_bytes);
  const std::size_t body_bytes = start->body_bytes - *head_bytes;
  const auto first = std::string_view(front).substr(body_at).substr(0, body_bytes);
  body_.reserve(body_bytes);
  body_.append(first);
  body_.resize(body_bytes);
  read_ = first.size();
  wanted_ = start->crc;
  crc_ = crc32c(first, crc32c(fields_, start->crc_so_far));
  begun_ = true;
  return {};
}

proto::Result<Record> RecordReading::end() {
  if (crc_ != wanted_) return Errc::journal_damaged;
  auto head = parse_envelope_head(fields_);
  if (!head) return Errc::journal_damaged;
  return Record{std::move(*head), std::move(body_)};
}

Appended append(Disk& disk, Segment& segment, std::span<const std::string_view> parts) {
  std::size_t size = 0;
  for (const auto part : parts) size += part.size();
  const auto written = disk.write(segment.file, segment.end, parts);
  if (written && *written == size) {
    const std::uint64_t at = segment.end;
    segment.end += size;
    return {at, true};
  }
  // A file system that takes a part of it has no room for the rest.
  const auto why =
      written ? make_error_code(boost::system::errc::no_space_on_device) : written.error();
  const std::size_t rest = written ? *written : 0;
  if (rest == 0 || disk.truncate(segment.file, segment.end)) return {why, true};
  segment.end += aligned(rest);
  return {why, false};
}

}  // namespace relay
