// How the journal makes room: the living records of a segment that is mostly dead move to the
// current one, and its file goes.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "relay/journal_format.hpp"
#include "relay/spool_journal.hpp"

namespace relay {

/// The segment that frees most, among those whose living records fit into `most` bytes and what is
/// free; none if there is nothing to gain.
SpoolJournal::Segments::iterator SpoolJournal::deadest(std::uint64_t most) {
  const std::uint64_t free = settings_.max_bytes - std::min(committed(), settings_.max_bytes);
  auto best = segments_.end();
  std::uint64_t gain = 0;
  // For less a segment is not worth its copying: its caller lets some more go first.
  const std::uint64_t least = roll_bytes() / 32;
  for (auto segment = segments_.begin(); segment != segments_.end(); ++segment) {
    const bool movable = !segment->stays() && !segment->stuck;
    // It is copied in one turn of the loop.
    const std::uint64_t moved = segment->living_bytes + kSegmentHeaderBytes;
    if (segment == current_ || !movable || moved > std::min({free, most, roll_bytes()})) continue;
    if (segment->end < moved + least || segment->end <= moved + gain) continue;
    gain = segment->end - moved;
    best = segment;
  }
  return best;
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
  const bool full = current_ != segments_.end() && current_->end >= roll_bytes();
  if (full) drop_if_empty(std::exchange(current_, segments_.end()));
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
