#include "relay/segment_scan.hpp"

#include <limits>
#include <utility>

#include "relay/crc32c.hpp"

namespace relay {
namespace {

constexpr std::size_t kWindowBytes = 64UL * 1024;
constexpr std::uint64_t kStep = 8;  // records begin at its multiples
constexpr std::uint64_t kMostRecordBytes = std::numeric_limits<std::uint32_t>::max();

}  // namespace

bool SegmentScan::step(Slice& slice) {
  while (at_ < bytes_ && !slice.spent()) {
    if (at_ == 0) {
      read_header(slice);
    } else if (in_record_) {
      check_body(slice);
    } else {
      begin_record(slice);
    }
  }
  return at_ >= bytes_;
}

void SegmentScan::read_header(Slice& slice) {
  const std::string_view header = look(0, kSegmentHeaderBytes, slice);
  if (at_ >= bytes_) return;
  switch (segment_kind(header)) {
    case SegmentKind::other_version:
      other_version_ = true;
      at_ = bytes_;
      return;
    case SegmentKind::unfinished:
      unfinished_ = true;
      at_ = bytes_;
      return;
    case SegmentKind::damaged:
      skipped_bytes_ += std::min<std::uint64_t>(bytes_, kSegmentHeaderBytes);
      break;
    case SegmentKind::ours:
      header_ours_ = true;
      break;
  }
  at_ = std::min<std::uint64_t>(bytes_, kSegmentHeaderBytes);
}

void SegmentScan::begin_record(Slice& slice) {
  const auto start = parse_record_start(look(at_, kRecordHeaderBytes, slice));
  if (!start || start->record_bytes() > std::min<std::uint64_t>(bytes_ - at_, kMostRecordBytes)) {
    skip();
    return;
  }
  start_ = *start;
  crc_ = start->crc_so_far;
  checked_ = 0;
  in_record_ = true;
  if (start->body_bytes == 0) end_record();
}

void SegmentScan::check_body(Slice& slice) {
  const auto left = std::min<std::uint64_t>(start_.body_bytes - checked_, kWindowBytes);
  const std::string_view part =
      look(at_ + kRecordHeaderBytes + checked_, static_cast<std::size_t>(left), slice);
  if (part.empty()) return;  // the file has ended, as look() has noted
  crc_ = crc32c(part, crc_);
  checked_ += part.size();
  if (checked_ == start_.body_bytes) end_record();
}

void SegmentScan::end_record() {
  in_record_ = false;
  if (crc_ != start_.crc) {
    skip();
    return;
  }
  ++records_;
  if (start_.type == static_cast<std::uint32_t>(RecordType::envelope)) {
    const auto record_bytes = static_cast<std::uint32_t>(start_.record_bytes());
    waiting_.push_back({start_.sequence, {at_, record_bytes}});
  } else if (start_.type == static_cast<std::uint32_t>(RecordType::settled)) {
    settled_.push_back(start_.sequence);
  }
  at_ += start_.record_bytes();
}

void SegmentScan::skip() {
  const std::uint64_t step = std::min(kStep, bytes_ - at_);
  skipped_bytes_ += step;
  at_ += step;
}

std::string_view SegmentScan::look(std::uint64_t at, std::size_t size, Slice& slice) {
  const bool inside = at >= window_at_ && at + size <= window_at_ + window_.size();
  if (!inside) {
    window_.resize(kWindowBytes);
    const auto count = disk_.read(file_, at, window_.data(), kWindowBytes);
    window_.resize(count ? *count : 0);
    window_at_ = at;
    slice.spend(kWindowBytes);
    if (window_.empty()) {
      // Refused, or cut since it was opened.
      unreadable_ = unreadable_ || !count;
      skipped_bytes_ += bytes_ - at_;
      at_ = bytes_;
    }
  }
  return std::string_view(window_)
      .substr(static_cast<std::size_t>(at - window_at_))
      .substr(0, size);
}

std::vector<SegmentScan::Waiting> SegmentScan::take_waiting() {
  std::ranges::sort(settled_);
  std::erase_if(waiting_, [this](const Waiting& record) {
    return std::ranges::binary_search(settled_, record.sequence);
  });
  return std::move(waiting_);
}

}  // namespace relay
