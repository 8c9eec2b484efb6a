// How the journal writes what takes more than one turn of the loop. A large record goes into a file
// of its own, some a turn and the body first. What stands before it is written last, at once: until
// then the file begins with zeros, and whoever finds it knows that nothing in it was promised. Of a
// usual one only making room may take long.
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

  std::optional<proto::Result<JournalId>> step(std::size_t bytes) override {
    if (segment_ == journal_.segments_.end()) return reserve(bytes);
    const std::string_view part = body_.substr(written_, bytes);
    const bool last = written_ + part.size() == body_.size();
    const std::uint64_t at = kSegmentHeaderBytes + front_.size() + written_;
    const std::size_t padding = last ? segment_->end - at - part.size() : 0;
    auto done = write(at, {part, kRecordPadding.substr(0, padding)});
    crc_ = crc32c(part, crc_);
    written_ += part.size();
    journal_.announced_ -= part.size();
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
  std::optional<proto::Result<JournalId>> reserve(std::size_t bytes) {
    if (const auto opened = journal_.open(); !opened) return journal_.failed(opened.error());
    const std::uint64_t end = kSegmentHeaderBytes + aligned(front_.size() + body_.size());
    const std::uint64_t need = end + kSettledBytes;
    if (need > journal_.limit()) return journal_.failed(make_error_code(errc::file_too_large));
    if (journal_.lacks(need)) {
      if (journal_.compact_some(bytes)) return std::nullopt;
      return make_error_code(Errc::journal_full);
    }
    if (journal_.room() < need) {
      return journal_.failed(make_error_code(errc::no_space_on_device));
    }
    // What comes after it goes into a newer one: the order of the names is the order of age.
    journal_.leave_current();
    const auto made = journal_.new_segment();
    if (!made) return journal_.failed(made.error());
    journal_.announced_ += body_.size();
    journal_.allowance_ = 0;
    segment_ = *made;
    segment_->end = end;
    segment_->unfinished = true;
    return std::nullopt;
  }

  [[nodiscard]] proto::Result<void> write(std::uint64_t at,
                                          const std::array<std::string_view, 2>& parts) {
    const auto written = journal_.disk_.write(segment_->file, at, parts);
    if (!written) return written.error();
    if (*written == parts[0].size() + parts[1].size()) return {};
    return make_error_code(errc::no_space_on_device);
  }

  [[nodiscard]] proto::Result<void> commit() {
    // In a file that somebody deleted nothing would be found again.
    if (!journal_.can_be_found(*segment_)) {
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
    journal_.announced_ -= body_.size() - written_;
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

class SpoolJournal::Appending final : public Keeping {
 public:
  Appending(SpoolJournal& journal, const RecordHead& head, std::string_view body,
            std::size_t front_bytes)
      : journal_(journal),
        head_(head),
        body_(body),
        need_(aligned(front_bytes + body.size()) + kSettledBytes + kSegmentHeaderBytes) {}

  std::optional<proto::Result<JournalId>> step(std::size_t bytes) override {
    if (journal_.lacks(need_) && need_ <= journal_.limit() && journal_.compact_some(bytes)) {
      return std::nullopt;
    }
    return journal_.keep(head_, body_);
  }

 private:
  SpoolJournal& journal_;
  RecordHead head_;
  std::string_view body_;
  std::uint64_t need_;
};

std::unique_ptr<Journal::Keeping> SpoolJournal::begin(const RecordHead& head,
                                                      std::string_view body) {
  std::string front = encode_envelope(kSequence, head, {});
  // A file of its own is an open one.
  if (body.size() < settings_.large_bytes || segments_.size() >= kMostSegments) {
    return std::make_unique<Appending>(*this, head, body, front.size());
  }
  return std::make_unique<Writing>(*this, std::move(front), body);
}

}  // namespace relay
