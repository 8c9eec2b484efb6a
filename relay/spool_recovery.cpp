// How the journal reads what earlier processes left, in slices beside new traffic.
#include <algorithm>
#include <utility>

#include "relay/errc.hpp"
#include "relay/spool_journal.hpp"

namespace relay {
namespace {

namespace errc = boost::system::errc;

constexpr std::size_t kReadAtOnce = 64UL * 1024;  // of a record that is handed over

/// Of what the process, or the machine, will have again.
bool is_shortage(boost::system::error_code why) {
  return why == errc::too_many_files_open || why == errc::too_many_files_open_in_system ||
         why == errc::not_enough_memory;
}

}  // namespace

bool SpoolJournal::recover_some(const Found& found) {
  if (!open()) return false;
  Slice slice(clock_);
  while (!slice.spent()) {
    if (!recovery_) {
      if (left_.empty() || segments_.size() >= kMostSegments || !begin_recovery()) return false;
    } else if (!recovery_->scanned) {
      if (recovery_->scan.step(slice)) end_scan();
    } else {
      hand_over(found, slice);
    }
  }
  return recovery_.has_value() || !left_.empty();
}

bool SpoolJournal::begin_recovery() {
  auto opened = folder_.open_old(left_.back().name);
  // Nothing is wrong with the file.
  if (!opened && is_shortage(opened.error())) return false;
  Segments one(1);  // before it is no longer among those that are left
  Disk::Entry entry = std::move(left_.back());
  left_.pop_back();
  if (!opened) {
    skipped_bytes_ += entry.bytes;
    log_.once("journal segment", LogLevel::warn,
              "cannot open " + settings_.folder + "/" + entry.name + " of an earlier process (" +
                  opened.error().message() + ")");
    return true;
  }
  if (opened->bytes > roll_bytes() + settings_.max_record_bytes) {
    leave_alone(entry.name);
    return true;
  }
  const auto segment = one.begin();
  segment->name = std::move(entry.name);
  segment->file = std::move(opened->file);
  segment->end = opened->bytes;
  segment->folder = folder_.opened();
  segment->recovering = true;
  // In front of the current one: it is older.
  segments_.splice(segments_.begin(), one);
  recovery_.emplace(disk_, segment);
  return true;
}

void SpoolJournal::leave_alone(const std::string& name) {
  log_.once("journal version", LogLevel::warn,
            settings_.folder + "/" + name +
                " was not written by this version of Thaw with these settings; it is left alone");
}

void SpoolJournal::end_scan() {
  Segment& segment = *recovery_->segment;
  skipped_bytes_ += recovery_->scan.skipped_bytes();
  if (recovery_->scan.foreign()) {
    const std::string name = std::move(segment.name);
    segments_.erase(recovery_->segment);
    recovery_.reset();
    leave_alone(name);
    return;
  }
  segment.unreadable = recovery_->scan.unreadable();
  // A torn end is not ours to build upon.
  segment.end = aligned(segment.end);
  recovery_->waiting = recovery_->scan.take_waiting();
  // None of ours is so large; to read it would take the function's memory.
  const auto too_large = std::erase_if(recovery_->waiting, [this](const auto& record) {
    return record.place.bytes > settings_.max_record_bytes;
  });
  segment.unreadable = segment.unreadable || too_large > 0;
  recovery_->scanned = true;
  segment.living = recovery_->waiting.size();
  for (const auto& record : recovery_->waiting) segment.living_bytes += record.place.bytes;
}

void SpoolJournal::hand_over(const Found& found, Slice& slice) {
  const auto segment = recovery_->segment;
  if (recovery_->handed == recovery_->waiting.size()) {
    recovery_.reset();
    segment->recovering = false;
    drop_if_empty(segment);
    return;
  }
  const auto waiting = recovery_->waiting[recovery_->handed];
  slice.spend(std::min<std::uint64_t>(waiting.place.bytes, kReadAtOnce));
  try {
    hand_over(waiting, found);
  } catch (...) {
    // It was not taken in. When there is memory again it comes behind the others: one for which
    // there is none holds them up no longer.
    recovery_->reading = {};
    const auto next = recovery_->waiting.begin() + static_cast<std::ptrdiff_t>(recovery_->handed);
    std::rotate(next, next + 1, recovery_->waiting.end());
    throw;
  }
}

void SpoolJournal::hand_over(const SegmentScan::Waiting& waiting, const Found& found) {
  const auto segment = recovery_->segment;
  auto record = recovery_->reading.step(disk_, segment->file, waiting.place, kReadAtOnce);
  if (!record) return;
  if (*record) {
    const JournalId id = ++last_id_;
    kept_.emplace(id, Kept{segment, waiting.sequence, waiting.place});
    try {
      found(id, std::move(**record));
    } catch (...) {
      kept_.erase(id);
      throw;
    }
  } else {
    skipped_bytes_ += waiting.place.bytes;
    // What the disk refuses today it may give another day: the file stays.
    segment->unreadable = segment->unreadable || record->error() != Errc::journal_damaged;
    let_go(segment, waiting.place);
  }
  ++recovery_->handed;
  recovery_->reading = {};
}

}  // namespace relay
