#include "relay/spool_journal.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "relay/errc.hpp"
#include "relay/journal_format.hpp"

namespace relay {
namespace {

namespace errc = boost::system::errc;

// How much is written before the file system is asked again what it can spare.
constexpr std::uint64_t kAskEvery = 256ULL * 1024;
// In so many keep() copies what it may: behind each there may be room.
constexpr int kMostPasses = 2;
// Larger than what stands before a usual body, and than what settles it.
constexpr std::uint64_t kUsualHead = 4096;
// Settled records in one write.
constexpr std::size_t kMostMarks = 64;

}  // namespace

SpoolJournal::SpoolJournal(SpoolSettings settings, Disk& disk, Clock& clock, Log& log)
    : settings_(std::move(settings)),
      disk_(disk),
      clock_(clock),
      log_(log),
      folder_(disk, settings_.folder),
      current_(segments_.end()) {}

SpoolJournal::~SpoolJournal() { leave_current(); }

proto::Result<JournalId> SpoolJournal::keep(const RecordHead& head, std::string_view body) {
  const JournalId id = last_id_ + 1;
  const std::string front = encode_envelope(id, head, body);
  const std::uint64_t bytes = aligned(front.size() + body.size());
  const std::string_view padding = kRecordPadding.substr(0, bytes - front.size() - body.size());
  if (const auto opened = open(); !opened) return failed(opened.error());
  if (const auto room = make_room(bytes); !room) {
    return room.error() == Errc::journal_full ? room.error() : failed(room.error());
  }
  return write(id, {front, body, padding}, bytes);
}

proto::Result<JournalId> SpoolJournal::write(std::uint64_t sequence, const Parts& record,
                                             std::uint64_t bytes) {
  std::string header;
  if (current_->end == 0) header = encode_segment_header(clock_.wall_now());
  const std::array<std::string_view, 4> parts{header, record[0], record[1], record[2]};
  // What is written has its place here already: there may be no memory for it afterwards.
  const JournalId id = last_id_ + 1;
  const auto kept = kept_.try_emplace(id).first;
  const Appended appended = append(disk_, *current_, parts);
  if (!appended.at) {
    kept_.erase(kept);
    ++write_failures_;
    const auto segment = std::exchange(current_, appended.whole ? current_ : segments_.end());
    drop_if_empty(segment);
    return failed(appended.at.error());
  }
  allowance_ -= std::min(allowance_, bytes);
  const RecordPlace place{*appended.at + header.size(), static_cast<std::uint32_t>(bytes)};
  kept->second = Kept{current_, sequence, place};
  last_id_ = id;
  ++current_->living;
  current_->living_bytes += bytes;
  durable_ = true;
  return id;
}

/// Says the first trouble, and remembers that what is accepted now dies with the process.
boost::system::error_code SpoolJournal::failed(boost::system::error_code why) {
  durable_ = false;
  if (why == Errc::journal_off) {
    log_.once(
        "journal locked", LogLevel::warn,
        "another process holds the journal in " + settings_.folder +
            "; what is accepted is kept in memory. Give each Thaw a THAW_SPOOL_DIR of its own");
  } else if (why == errc::file_too_large) {
    log_.once("journal size", LogLevel::warn,
              "an envelope is larger than the journal may become and is kept in memory: a larger "
              "THAW_SPOOL_MIB has room for it");
  } else {
    const bool full = why == errc::no_space_on_device;
    log_.once("journal", LogLevel::warn,
              "cannot write the journal in " + settings_.folder + " (" + why.message() +
                  "); what is accepted is kept in memory and lost if Thaw is killed. " +
                  (full ? "Give the function more ephemeral storage"
                        : "Set THAW_SPOOL_DIR to a folder of Thaw's own that it can write") +
                  ", or set THAW_JOURNAL=off");
  }
  return why;
}

proto::Result<void> SpoolJournal::open() {
  if (unusable_) return *unusable_;
  if (folder_.is_open()) return {};
  auto found = folder_.open();
  if (!found) {
    const bool locked = found.error() == errc::operation_would_block;
    unusable_ = locked ? make_error_code(Errc::journal_off) : found.error();
    return *unusable_;
  }
  left_ = std::move(found->segments);
  allowance_ = 0;
  spare_ = limit() - std::min(committed(), limit());
  if (!found->strangers.empty()) {
    log_.once("journal strangers", LogLevel::warn,
              settings_.folder + " holds files that are not the journal's, " +
                  found->strangers.front() + " among them; they are left alone");
  }
  return {};
}

std::uint64_t SpoolJournal::roll_bytes() const {
  const std::uint64_t least = std::max(kRollBytes, settings_.max_bytes / kMostSegments);
  return std::min(least, settings_.max_bytes / 8);
}

std::uint64_t SpoolJournal::committed() const {
  std::uint64_t sum = 0;
  for (const auto& entry : left_) sum += entry.bytes;
  for (const auto& segment : segments_) {
    sum += segment.end + (segment.living + segment.owed.size()) * kSettledBytes;
  }
  return sum;
}

/// Room for a record of `bytes`, in a segment that is there.
proto::Result<void> SpoolJournal::make_room(std::uint64_t bytes) {
  const std::uint64_t need = bytes + kSettledBytes + kSegmentHeaderBytes;
  if (need > limit()) return make_error_code(errc::file_too_large);
  // A full one is left alone; in one that somebody deleted nothing would be found again.
  if (current_ != segments_.end() && (current_->end >= roll_bytes() || !can_be_found(*current_))) {
    leave_current();
  }
  std::uint64_t taken = committed() + need;
  for (int passes = 0; taken > limit(); ++passes) {
    spare_ = 0;
    if (passes == kMostPasses || !compact_some(kRollBytes / kMostPasses)) return Errc::journal_full;
    taken = committed() + need;
  }
  spare_ = limit() - taken;
  if (current_ == segments_.end() || allowance_ < need) {
    const std::uint64_t room = this->room();
    if (room < need) return make_error_code(errc::no_space_on_device);
    allowance_ = std::min(room, std::max(kAskEvery, need));
  }
  return current_ == segments_.end() ? begin_segment() : proto::Result<void>();
}

/// As far as it is known: to look takes longer than to be wrong costs.
bool SpoolJournal::has_room(std::size_t bytes) const { return bytes + kUsualHead <= spare_; }

/// What large records that are being written will still take is gone already.
std::uint64_t SpoolJournal::room() const {
  const std::uint64_t free = folder_.room();
  return free - std::min(free, announced_);
}

/// By the next process. Where nothing waits in a file its folder is looked for, too: the one may
/// have been carried off with the other long ago.
bool SpoolJournal::can_be_found(const Segment& segment) const {
  if (!disk_.is_linked(segment.file)) return false;
  return segment.living > 0 || (segment.folder == folder_.opened() && folder_.in_place());
}

proto::Result<void> SpoolJournal::begin_segment() {
  const auto made = new_segment();
  if (!made) return made.error();
  current_ = *made;
  return {};
}

proto::Result<SpoolJournal::Segments::iterator> SpoolJournal::new_segment() {
  if (!folder_.in_place()) {
    // Somebody took the folder away. What is open stays usable; the rest begins anew.
    folder_.close();
    if (const auto opened = open(); !opened) return opened.error();
  }
  // Those that were deleted beneath us stay open until nothing in them waits.
  if (segments_.size() >= 2 * kMostSegments) {
    return make_error_code(errc::too_many_files_open);
  }
  Segments one(1);  // before there is a file
  auto made = folder_.create();
  if (!made) {
    ++write_failures_;
    return made.error();
  }
  const auto segment = one.begin();
  segment->name = std::move(made->name);
  segment->file = std::move(made->file);
  segment->folder = folder_.opened();
  segments_.splice(segments_.end(), one);
  return segment;
}

proto::Result<Record> SpoolJournal::read(JournalId id) {
  const auto found = kept_.find(id);
  if (found == kept_.end()) return Errc::journal_damaged;
  return read_record(disk_, found->second.segment->file, found->second.place);
}

std::optional<proto::Result<Record>> SpoolJournal::read_some(JournalId id, RecordReading& reading,
                                                             std::size_t bytes) {
  const auto found = kept_.find(id);
  if (found == kept_.end()) return Errc::journal_damaged;
  // Where it is now: to make room it may have moved, with all but its header.
  return reading.step(disk_, found->second.segment->file, found->second.place, bytes);
}

void SpoolJournal::release(JournalId id) {
  const auto found = kept_.find(id);
  if (found == kept_.end()) return;
  const Kept kept = found->second;
  kept_.erase(found);
  Segment& segment = *kept.segment;
  const bool goes = segment.living == 1 && !segment.stays();
  if (!goes) {
    // In the segment of what it settles: they live and die together.
    settle_in(segment, kept.sequence);
  }
  let_go(kept.segment, kept.place);
}

/// Whole files go: a record for each of ten thousand costs more than an end leaves.
void SpoolJournal::release_all() {
  const auto goes = [](const Segment& segment) { return !segment.stays(); };
  std::erase_if(kept_, [&](const auto& kept) { return goes(*kept.second.segment); });
  for (auto next = segments_.begin(); next != segments_.end();) {
    const auto segment = next++;
    if (goes(*segment)) segment->living = segment->living_bytes = 0;
    drop_if_empty(segment);
  }
  while (!kept_.empty()) release(kept_.begin()->first);
}

void SpoolJournal::settle_in(Segment& segment, std::uint64_t sequence) noexcept {
  const bool owed = !segment.owed.empty();
  if (!owed) {
    const auto mark = encode_settled(sequence);
    const std::array<std::string_view, 1> parts{{{mark.data(), mark.size()}}};
    if (append(disk_, segment, parts).at) return;
    ++write_failures_;
  }
  try {
    segment.owed.push_back(sequence);
  } catch (const std::bad_alloc&) {
    return;  // Neither disk nor memory: a restart finds it once more.
  }
  if (owed) settle_owed(segment);
}

/// Takes no memory.
void SpoolJournal::settle_owed(Segment& segment) noexcept {
  std::vector<std::uint64_t>& owed = segment.owed;
  std::array<char, kMostMarks * kSettledBytes> marks;
  while (!owed.empty()) {
    const std::size_t left = owed.size() - std::min(owed.size(), kMostMarks);
    char* end = marks.data();
    for (std::size_t i = left; i < owed.size(); ++i) {
      end = std::ranges::copy(encode_settled(owed[i]), end).out;
    }
    const std::array<std::string_view, 1> parts{{{marks.data(), end}}};
    if (!append(disk_, segment, parts).at) {
      ++write_failures_;
      return;
    }
    owed.resize(left);
  }
}

void SpoolJournal::let_go(Segments::iterator segment, RecordPlace place) {
  --segment->living;
  segment->living_bytes -= place.bytes;
  // To cut one down to its header takes the file system a quarter of what it takes to unlink it and
  // make another. To nothing it must not be: then ext4 writes all of it to the disk when it is
  // closed (auto_da_alloc). Only the newest: the order of the names is the order of age.
  const bool again = segment == current_ && segment->living == 0;
  if (again && disk_.truncate(segment->file, kSegmentHeaderBytes)) {
    segment->end = kSegmentHeaderBytes;
    segment->owed.clear();
  } else {
    drop_if_empty(segment);
  }
}

void SpoolJournal::leave_current() {
  if (current_ != segments_.end()) drop_if_empty(std::exchange(current_, segments_.end()));
}

void SpoolJournal::drop_if_empty(Segments::iterator segment) {
  if (segment->living > 0 || segment->stays()) return;
  if (segment->folder == folder_.opened()) folder_.unlink(segment->name);
  if (segment == current_) current_ = segments_.end();
  segments_.erase(segment);
}

void SpoolJournal::retry() {
  unusable_.reset();
  allowance_ = 0;
  for (Segment& segment : segments_) {
    segment.stuck = false;
    settle_owed(segment);
  }
  // Nothing was asked of it so far, or it could not be had.
  if (!folder_.is_open() && !durable_ && open()) durable_ = true;
}

Journal::Figures SpoolJournal::figures() const {
  Figures figures;
  figures.durable = durable_ && !unusable_;
  figures.skipped_bytes = skipped_bytes_;
  figures.write_failures = write_failures_;
  figures.segments = segments_.size() + left_.size();
  figures.all_recovered = folder_.is_open() && left_.empty() && !recovery_;
  for (const auto& entry : left_) figures.bytes += entry.bytes;
  for (const auto& segment : segments_) figures.bytes += segment.end;
  return figures;
}

}  // namespace relay
