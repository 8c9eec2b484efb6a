// The journal on the scratch disk: segment files that outlive this process, though not the machine
// (nothing is synced). Opens nothing before it is asked to; whatever the disk does, the answer is
// an error and the caller goes on in memory.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "relay/clock.hpp"
#include "relay/disk.hpp"
#include "relay/journal.hpp"
#include "relay/log.hpp"
#include "relay/segment.hpp"
#include "relay/segment_scan.hpp"
#include "relay/spool_folder.hpp"

namespace relay {

/// Each segment is an open file, of which a process has 1024 for everything. Recovery pauses at as
/// many and goes on at a later retry(); at twice as many no further one is begun.
inline constexpr std::size_t kMostSegments = 128;
/// A segment's size, but for extreme limits and large records: soon nothing in it waits, and it can
/// go. Also what keep() copies at most to make room.
inline constexpr std::uint64_t kRollBytes = 2ULL * 1024 * 1024;

struct SpoolSettings {
  std::string folder;                             ///< THAW_SPOOL_DIR
  std::uint64_t max_bytes = 64ULL * 1024 * 1024;  ///< of all segment files together
  /// Of one record, head included; what an earlier process seems to have left above it is not read.
  std::uint64_t max_record_bytes = 41ULL * 1024 * 1024;
  std::uint64_t large_bytes = kLargeBody;  ///< a body of as many has a file of its own
};

class SpoolJournal final : public Journal {
 public:
  /// What is passed in outlives the journal.
  SpoolJournal(SpoolSettings settings, Disk& disk, Clock& clock, Log& log);
  /// What waits stays for the next process; an empty segment does not.
  ~SpoolJournal() override;
  SpoolJournal(const SpoolJournal&) = delete;
  SpoolJournal& operator=(const SpoolJournal&) = delete;

  /// One system call where a segment is open. A record larger than the whole limit has no place
  /// here: errc::file_too_large.
  [[nodiscard]] proto::Result<JournalId> keep(const RecordHead& head,
                                              std::string_view body) override;
  /// A large one into a segment of its own, whose head comes last: of one that was killed, nothing
  /// is found.
  [[nodiscard]] std::unique_ptr<Keeping> begin(const RecordHead& head,
                                               std::string_view body) override;
  [[nodiscard]] bool has_room(std::size_t bytes) const override;
  [[nodiscard]] bool has_room_without(std::span<const JournalId> records,
                                      std::size_t bytes) const override;
  [[nodiscard]] proto::Result<Record> read(JournalId id) override;
  [[nodiscard]] std::optional<proto::Result<Record>> read_some(JournalId id, RecordReading& reading,
                                                               std::size_t bytes) override;
  void release(JournalId id) override;
  void release_all() override;
  [[nodiscard]] bool recover_some(const Found& found) override;
  void retry() override;
  [[nodiscard]] Figures figures() const override;

 private:
  using Segments = std::list<Segment>;
  class Appending;
  class Writing;

  struct Kept {
    Segments::iterator segment;
    std::uint64_t sequence = 0;  ///< its name within the segment
    RecordPlace place;
  };

  /// A segment of an earlier process on its way: read to its end, then handed over.
  struct Recovery {
    Recovery(Disk& disk, Segments::iterator segment_in)
        : segment(segment_in), scan(disk, segment_in->file, segment_in->end) {}

    Segments::iterator segment;
    SegmentScan scan;
    bool scanned = false;
    std::vector<SegmentScan::Waiting> waiting;
    std::size_t handed = 0;
    RecordReading reading;  ///< of the next one to be handed over
  };

  // Opening and writing.
  [[nodiscard]] proto::Result<void> open();
  [[nodiscard]] proto::Result<void> make_room(std::uint64_t bytes);

  [[nodiscard]] bool lacks(std::uint64_t bytes) const { return committed() + bytes > limit(); }

  [[nodiscard]] proto::Result<void> begin_segment();
  [[nodiscard]] proto::Result<Segments::iterator> new_segment();
  using Parts = std::array<std::string_view, 3>;
  [[nodiscard]] proto::Result<JournalId> write(std::uint64_t sequence, const Parts& record,
                                               std::uint64_t bytes);
  [[nodiscard]] bool can_be_found(const Segment& segment) const;
  [[nodiscard]] std::uint64_t room() const;
  void settle_in(Segment& segment, std::uint64_t sequence) noexcept;
  void settle_owed(Segment& segment) noexcept;
  boost::system::error_code failed(boost::system::error_code why);
  [[nodiscard]] std::uint64_t roll_bytes() const;

  /// Of what is committed(). What compaction needs to move living records, one segment's worth, is
  /// never given to a new one.
  [[nodiscard]] std::uint64_t limit() const { return settings_.max_bytes - roll_bytes(); }

  /// What the files take, the records that will settle theirs included.
  [[nodiscard]] std::uint64_t committed() const;

  // Making room.
  [[nodiscard]] Segments::iterator deadest();

  /// For less dead bytes a segment is not worth its copying: its caller lets some more go first.
  [[nodiscard]] std::uint64_t least_gain() const { return roll_bytes() / 32; }

  /// What would be given back of the segment, if no more than that of it waited.
  [[nodiscard]] std::uint64_t gain(const Segment& segment, std::uint64_t living,
                                   std::uint64_t living_bytes) const;
  /// Copies about `bytes` of the segment whose turn it is, which goes with the last of its records.
  /// False: there is nothing to gain.
  [[nodiscard]] bool compact_some(std::uint64_t bytes);
  void choose();
  [[nodiscard]] Kept* next_to_move();
  [[nodiscard]] bool move(JournalId id, Kept& kept);
  void let_go(Segments::iterator segment, RecordPlace place);
  /// What is written next goes into another segment.
  void leave_current();
  void drop_if_empty(Segments::iterator segment);

  // Recovering.
  /// False: not now.
  [[nodiscard]] bool begin_recovery();
  void leave_alone(const std::string& name);
  void end_scan();
  void hand_over(const Found& found, Slice& slice);
  void hand_over(const SegmentScan::Waiting& waiting, const Found& found);

  SpoolSettings settings_;
  Disk& disk_;
  Clock& clock_;
  Log& log_;
  SpoolFolder folder_;
  Segments segments_;
  Segments::iterator current_;
  std::unordered_map<JournalId, Kept> kept_;
  JournalId last_id_ = 0;
  std::vector<Disk::Entry> left_;  ///< by earlier processes, not begun yet; the oldest last
  std::optional<Recovery> recovery_;
  std::optional<boost::system::error_code> unusable_;  ///< until retry()
  std::uint64_t allowance_ = 0;  ///< may be written before the file system is asked again
  /// What there was room for when open() or keep() last looked.
  std::uint64_t spare_ = std::numeric_limits<std::uint64_t>::max();
  std::vector<JournalId> moving_;  ///< what is left to move, the first one last
  std::uint64_t announced_ = 0;    ///< of large records that are being written, not yet written
  std::uint64_t skipped_bytes_ = 0;
  std::uint64_t write_failures_ = 0;
  bool durable_ = true;
};

}  // namespace relay
