// Reads a segment of an earlier process to its end, a slice at a time, and finds what in it still
// waits: a settled record may come long after the envelope it settles. A torn end is normal; a bad
// record costs itself and no other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"
#include "relay/clock.hpp"
#include "relay/disk.hpp"
#include "relay/journal_format.hpp"
#include "relay/segment.hpp"

namespace relay {

/// How much may be done before the loop gets its turn.
class Slice {
 public:
  explicit Slice(const Clock& clock) : clock_(clock), end_(clock.now() + milliseconds{1}) {}

  void spend(std::uint64_t bytes) { left_ -= std::min(left_, bytes); }

  [[nodiscard]] bool spent() const { return left_ == 0 || clock_.now() >= end_; }

 private:
  const Clock& clock_;
  SteadyTime end_;
  std::uint64_t left_ = 256UL * 1024;
};

class SegmentScan {
 public:
  /// What is passed in outlives the scan.
  SegmentScan(Disk& disk, const Descriptor& file, std::uint64_t bytes)
      : disk_(disk), file_(file), bytes_(bytes), unfinished_(bytes == 0) {}

  /// True at the end.
  [[nodiscard]] bool step(Slice& slice);

  struct Waiting {
    std::uint64_t sequence = 0;
    RecordPlace place;
  };

  /// The oldest first. Once, at the end.
  [[nodiscard]] std::vector<Waiting> take_waiting();

  /// No segment of this version, be it of another or none at all.
  [[nodiscard]] bool foreign() const {
    return other_version_ || (!header_ours_ && !unfinished_ && !unreadable_ && records_ == 0);
  }

  [[nodiscard]] std::uint64_t skipped_bytes() const { return skipped_bytes_; }

  /// The disk refused to read it all.
  [[nodiscard]] bool unreadable() const { return unreadable_; }

 private:
  void read_header(Slice& slice);
  void begin_record(Slice& slice);
  void check_body(Slice& slice);
  void end_record();
  void skip();
  /// Up to `size` bytes at `at`, fewer at the end; valid until the next call.
  [[nodiscard]] std::string_view look(std::uint64_t at, std::size_t size, Slice& slice);

  Disk& disk_;
  const Descriptor& file_;
  std::uint64_t bytes_;
  std::uint64_t at_ = 0;    ///< of the record looked at
  bool in_record_ = false;  ///< its header is plausible; its body is being checked
  RecordStart start_;
  std::uint32_t crc_ = 0;      ///< of what was checked
  std::uint64_t checked_ = 0;  ///< bytes of its body
  bool unfinished_;            ///< it was made, and nothing in it was ever promised
  bool header_ours_ = false;
  bool other_version_ = false;
  bool unreadable_ = false;
  std::uint64_t records_ = 0;
  std::uint64_t skipped_bytes_ = 0;
  std::string window_;
  std::uint64_t window_at_ = 0;
  std::vector<Waiting> waiting_;
  std::vector<std::uint64_t> settled_;
};

}  // namespace relay
