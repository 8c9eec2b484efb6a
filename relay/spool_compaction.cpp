// How the journal makes room: the living records of a segment that is mostly dead move to the
// current one, some a turn of the loop, and its file goes.
#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "relay/journal_format.hpp"
#include "relay/spool_journal.hpp"

namespace relay {

/// The segment that frees most, among those whose living records fit into what is free; none if
/// there is nothing to gain.
SpoolJournal::Segments::iterator SpoolJournal::deadest() {
  const std::uint64_t free = settings_.max_bytes - std::min(committed(), settings_.max_bytes);
  auto best = segments_.end();
  std::uint64_t most_gained = 0;
  for (auto segment = segments_.begin(); segment != segments_.end(); ++segment) {
    if (segment == current_ || segment->living_bytes + kSegmentHeaderBytes > free) continue;
    const auto gained = gain(*segment, segment->living, segment->living_bytes);
    if (gained <= most_gained) continue;
    most_gained = gained;
    best = segment;
  }
  return best;
}

std::uint64_t SpoolJournal::gain(const Segment& segment, std::uint64_t living,
                                 std::uint64_t living_bytes) const {
  if (segment.stays()) return 0;
  if (living == 0) return segment.end + segment.living * kSettledBytes;
  const bool newest = current_ != segments_.end() && &segment == &*current_;
  const std::uint64_t moved = living_bytes + kSegmentHeaderBytes;
  const bool worth = moved <= roll_bytes() && segment.end >= moved + least_gain();
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
  std::uint64_t wanted = committed() + aligned(bytes);
  for (const auto& segment : segments_) {
    const auto rest = left.try_emplace(&segment, Left{segment.living, segment.living_bytes}).first;
    wanted -= std::min(wanted, gain(segment, rest->second.living, rest->second.bytes));
  }
  return wanted <= limit();
}

bool SpoolJournal::compact_some(std::uint64_t bytes) {
  if (moving_.empty()) choose();
  if (moving_.empty()) return false;
  Kept* next = next_to_move();
  for (std::uint64_t moved = 0; next != nullptr && moved < bytes; next = next_to_move()) {
    moved += next->place.bytes;
    if (!move(moving_.back(), *next)) {
      next->segment->stuck = true;
      settle_owed(*next->segment);
      moving_.clear();
      return false;
    }
    moving_.pop_back();
  }
  // A restart must not find twice what did move.
  if (next != nullptr) settle_owed(*next->segment);
  return true;
}

void SpoolJournal::choose() {
  const auto best = deadest();
  std::vector<JournalId> chosen;
  for (const auto& [id, kept] : kept_) {
    if (kept.segment == best) chosen.push_back(id);
  }
  const auto place = [this](JournalId id) { return kept_.at(id).place.at; };
  std::ranges::sort(chosen, std::greater<>(), place);
  moving_ = std::move(chosen);
}

/// nullptr: what was left of them has met its fate meanwhile, and the file with the last of it.
SpoolJournal::Kept* SpoolJournal::next_to_move() {
  for (; !moving_.empty(); moving_.pop_back()) {
    const auto found = kept_.find(moving_.back());
    if (found != kept_.end()) return &found->second;
  }
  return nullptr;
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
  // Noted first: there may be no memory when it has moved.
  kept.segment->owed.push_back(kept.sequence);
  const Appended appended = append(disk_, *current_, parts);
  if (!appended.at) {
    kept.segment->owed.pop_back();
    ++write_failures_;
    const auto segment = current_;
    if (!appended.whole) current_ = segments_.end();
    drop_if_empty(segment);
    return false;
  }
  const Kept was =
      std::exchange(kept, {current_, id, {*appended.at + header.size(), kept.place.bytes}});
  ++current_->living;
  current_->living_bytes += was.place.bytes;
  let_go(was.segment, was.place);
  return true;
}

}  // namespace relay
