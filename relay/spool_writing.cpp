// How the journal writes a large record: some a turn of the loop into a file of its own, the body
// first. What stands before it is written last, at once: until then the file begins with zeros, and
// whoever finds it knows that nothing in it was promised.
#include <algorithm>
#include <array>
#include <utility>

#include "relay/crc32c.hpp"
#include "relay/errc.hpp"
#include "relay/journal_format.hpp"
#include "relay/spool_journal.hpp"

namespace relay {
namespace {

namespace errc = boost::system::errc;

constexpr std::uint64_t kSequence = 1;  // the only record in its segment
constexpr std::string_view kZeros("\0\0\0\0\0\0\0", 7);

}  // namespace

class SpoolJournal::Writing final : public Keeping {
 public:
  Writing(SpoolJournal& journal, std::string front, std::string_view body)
      : journal_(journal),
        segment_(journal.segments_.end()),
        front_(std::move(front)),
        body_(body),
        crc_(announce_body(front_, body.size())) {}

  ~Writing() override {
    if (segment_ != journal_.segments_.end()) end();
  }

  Writing(const Writing&) = delete;
  Writing& operator=(const Writing&) = delete;

  void take(Segments::iterator segment, std::uint64_t end) {
    segment_ = segment;
    segment_->end = end;
    segment_->unfinished = true;
  }

  std::optional<proto::Result<JournalId>> step(std::size_t bytes) override {
    const std::string_view part = body_.substr(written_, bytes);
    const bool last = written_ + part.size() == body_.size();
    const std::uint64_t at = kSegmentHeaderBytes + front_.size() + written_;
    const std::size_t padding = last ? segment_->end - at - part.size() : 0;
    auto done = write(at, {part, kZeros.substr(0, padding)});
    crc_ = crc32c(part, crc_);
    written_ += part.size();
    if (done && !last) return std::nullopt;
    if (done) done = commit();
    if (!done) {
      ++journal_.write_failures_;
      end();
      return journal_.failed(done.error());
    }
    return kept();
  }

 private:
  [[nodiscard]] proto::Result<void> write(std::uint64_t at,
                                          const std::array<std::string_view, 2>& parts) {
    const auto written = journal_.disk_.write(segment_->file, at, parts);
    if (!written) return written.error();
    if (*written == parts[0].size() + parts[1].size()) return {};
    return make_error_code(errc::no_space_on_device);
  }

  [[nodiscard]] proto::Result<void> commit() {
    // In a file that somebody deleted nothing would be found again.
    if (!journal_.disk_.is_linked(segment_->file)) {
      return make_error_code(errc::no_such_file_or_directory);
    }
    put_checksum(front_, crc_);
    return write(0, {encode_segment_header(journal_.clock_.wall_now()), front_});
  }

  [[nodiscard]] JournalId kept() {
    const auto bytes = static_cast<std::uint32_t>(segment_->end - kSegmentHeaderBytes);
    const JournalId id = journal_.last_id_ + 1;
    journal_.kept_.emplace(id, Kept{segment_, kSequence, {kSegmentHeaderBytes, bytes}});
    journal_.last_id_ = id;
    segment_->living = 1;
    segment_->living_bytes = bytes;
    journal_.durable_ = true;
    end();
    return id;
  }

  void end() {
    segment_->unfinished = false;
    journal_.drop_if_empty(std::exchange(segment_, journal_.segments_.end()));
  }

  SpoolJournal& journal_;
  Segments::iterator segment_;  ///< segments_.end(): not, or no longer, ours
  std::string front_;           ///< what stands before the body
  std::string_view body_;
  std::uint32_t crc_;  ///< of the front and what was written of the body
  std::size_t written_ = 0;
};

proto::Result<std::unique_ptr<Journal::Keeping>> SpoolJournal::begin(const RecordHead& head,
                                                                     std::string_view body) {
  if (const auto opened = open(); !opened) return failed(opened.error());
  // Each of them is an open file.
  if (segments_.size() >= kMostSegments) return std::unique_ptr<Keeping>();
  std::string front = encode_envelope(kSequence, head, {});
  const std::uint64_t end = kSegmentHeaderBytes + aligned(front.size() + body.size());
  const std::uint64_t need = end + kSettledBytes;
  if (const auto space = free_space(need); !space) {
    return space.error() == Errc::journal_full ? space.error() : failed(space.error());
  }
  if (folder_.room() < need) return failed(make_error_code(errc::no_space_on_device));
  auto writing = std::make_unique<Writing>(*this, std::move(front), body);
  const auto segment = new_segment();
  if (!segment) return failed(segment.error());
  writing->take(*segment, end);
  allowance_ -= std::min(allowance_, need);
  return std::unique_ptr<Keeping>(std::move(writing));
}

}  // namespace relay
