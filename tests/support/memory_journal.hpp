// A journal on a disk that never loses a byte and fails when it is told to; outlives the backlog
// that writes it, as a file outlives a process.
#pragma once

#include <cstdint>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "relay/errc.hpp"
#include "relay/journal.hpp"

namespace support {

class MemoryJournal final : public relay::Journal {
 public:
  proto::Result<relay::JournalId> keep(const relay::RecordHead& head,
                                       std::string_view body) override {
    if (out_of_memory) throw std::bad_alloc();
    if (dead) return relay::Errc::journal_off;
    if (broken) return boost::system::errc::make_error_code(boost::system::errc::io_error);
    if (bytes() + body.size() > limit) return relay::Errc::journal_full;
    kept.emplace(++last_, Kept{head, std::string(body)});
    return last_;
  }

  proto::Result<relay::Record> read(relay::JournalId id) override {
    ++reads;
    if (unreadable) return relay::Errc::journal_damaged;
    const auto& found = kept.at(id);
    return relay::Record{found.head, proto::Bytes::copy_of(found.body)};
  }

  void release(relay::JournalId id) override {
    if (!dead) kept.erase(id);
  }

  void release_all() override {
    if (!dead) std::erase_if(kept, [this](const auto& one) { return !left_.contains(one.first); });
  }

  /// What `restart` left, one at a time.
  bool recover_some(const Found& found) override {
    if (std::exchange(recovery_throws, false)) throw std::bad_alloc();
    if (left_.empty()) return false;
    const auto id = left_.begin()->first;
    left_.erase(left_.begin());
    const auto& one = kept.at(id);
    found(id, relay::Record{one.head, proto::Bytes::copy_of(one.body)});
    return !left_.empty();
  }

  void retry() override {}

  Figures figures() const override {
    return {.durable = !broken, .all_recovered = left_.empty(), .bytes = bytes()};
  }

  /// The next process has begun: what is kept now is what it finds.
  void restart() {
    dead = false;
    left_.clear();
    for (const auto& [id, one] : kept) left_.emplace(id, true);
  }

  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& [id, one] : kept) sum += one.body.size();
    return sum;
  }

  struct Kept {
    relay::RecordHead head;
    std::string body;
  };

  std::map<relay::JournalId, Kept> kept;
  std::size_t limit = SIZE_MAX;
  std::size_t reads = 0;
  bool dead = false;             ///< the process was killed: nothing it does reaches the disk
  bool broken = false;           ///< the disk refuses to write
  bool unreadable = false;       ///< and to give back what it has
  bool out_of_memory = false;    ///< keep() throws
  bool recovery_throws = false;  ///< recover_some() does, once

 private:
  std::map<relay::JournalId, bool> left_;
  relay::JournalId last_ = 0;
};

}  // namespace support
