// How the journal makes room: the living records of a segment that is mostly dead move to the
// current one, and its file goes.
#include <algorithm>
#include <array>
#include <vector>

#include "relay/journal_format.hpp"
#include "relay/spool_journal.hpp"

namespace relay {

/// The segment that frees most, among those whose living records fit into `most` bytes and what is
/// free; none if there is nothing to gain.
SpoolJournal::Segments::iterator SpoolJournal::deadest(std::uint64_t most) {
  const std::uint64_t free = settings_.max_bytes - std::min(committed(), settings_.max_bytes);
  auto best = segments_.end();
  std::uint64_t most_gained = 0;
  for (auto segment = segments_.begin(); segment != segments_.end(); ++segment) {
    if (segment == current_) continue;
    const auto gained =
        gain(*segment, segment->living, segment->living_bytes, std::min(free, most));
    if (gained <= most_gained) continue;
    most_gained = gained;
    best = segment;
  }
  return best;
}

std::uint64_t SpoolJournal::gain(const Segment& segment, std::uint64_t living,
                                 std::uint64_t living_bytes, std::uint64_t most) const {
  if (segment.stays()) return 0;
  if (living == 0) return segment.end + segment.living * kSettledBytes;
  const bool newest = current_ != segments_.end() && &segment == &*current_;
  const std::uint64_t moved = living_bytes + kSegmentHeaderBytes;
  const bool worth = moved <= std::min(most, roll_bytes()) && segment.end >= moved + least_gain();
  return worth && !newest && !segment.stuck ? segment.end - moved : 0;
}

bool SpoolJournal::has_room_without(std::span<const JournalId> records, std::size_t bytes) const {
  struct Left {
    std::uint64_t living;
    std::uint64_t bytes;
  };

  std::unordered_map<const Segment*, Left> left;
  for (const auto id : records) {
    const auto found = kept_.find(id);
    if (found == kept_.end()) continue;
    const Segment& segment = *found->second.segment;
    const auto rest = left.try_emplace(&segment, Left{segment.living, segment.living_bytes}).first;
    --rest->second.living;
    rest->second.bytes -= found->second.place.bytes;
  }
  const std::uint64_t most = bytes > kLargeBody ? kMovedForLarge : kRollBytes;
  std::uint64_t wanted = committed() + aligned(bytes);
  for (const auto& segment : segments_) {
    const auto rest = left.try_emplace(&segment, Left{segment.living, segment.living_bytes}).first;
    wanted -= std::min(wanted, gain(segment, rest->second.living, rest->second.bytes, most));
  }
  return wanted <= limit();
}

bool SpoolJournal::compact_one(std::uint64_t most) {
  const auto best = deadest(most);
  if (best == segments_.end()) return false;

  std::vector<JournalId> living;
  for (const auto& [id, kept] : kept_) {
    if (kept.segment == best) living.push_back(id);
  }
  std::ranges::sort(living, {}, [this](JournalId id) { return kept_.at(id).place.at; });
  // The last one to go takes the segment with it.
  std::vector<std::uint64_t> moved;
  for (const auto id : living) {
    Kept& kept = kept_.at(id);
    const std::uint64_t sequence = kept.sequence;
    if (!move(id, kept)) {
      // A restart must not find twice what did move.
      best->stuck = true;
      for (const auto one : moved) settle_in(*best, one);
      return false;
    }
    moved.push_back(sequence);
  }
  return true;
}

bool SpoolJournal::move(JournalId id, Kept& kept) {
  // For a large record many may move, one file's worth after the other: a restart takes no file for
  // one of ours that is much larger than they become.
  if (current_ != segments_.end() && current_->end >= roll_bytes()) leave_current();
  if (current_ == segments_.end() && !begin_segment()) return false;
  std::string record(kept.place.bytes, '\0');
  const auto read = disk_.read(kept.segment->file, kept.place.at, record.data(), record.size());
  if (!read || *read != record.size() || !renumber(record, id)) return false;
  const std::string header =
      current_->end == 0 ? encode_segment_header(clock_.wall_now()) : std::string();
  const std::array<std::string_view, 2> parts{header, record};
  const Appended appended = append(disk_, *current_, parts);
  if (!appended.at) {
    ++write_failures_;
    const auto segment = current_;
    if (!appended.whole) current_ = segments_.end();
    drop_if_empty(segment);
    return false;
  }
  const auto from = kept.segment;
  const RecordPlace was = kept.place;
  kept = {current_, id, {*appended.at + header.size(), was.bytes}};
  ++current_->living;
  current_->living_bytes += was.bytes;
  let_go(from, was);
  return true;
}

}  // namespace relay
