// Where an accepted request is kept before it is acknowledged, so that it outlives this process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "proto/result.hpp"
#include "relay/record.hpp"

namespace relay {

class RecordReading;

/// Names one kept record for as long as this process lives; never 0.
using JournalId = std::uint64_t;

class Journal {
 public:
  virtual ~Journal() = default;

  /// Writes the record. Errors: Errc::journal_full when the limit is reached (release something and
  /// try again), Errc::journal_off when there is none, else the disk's: keep it in memory.
  [[nodiscard]] virtual proto::Result<JournalId> keep(const RecordHead& head,
                                                      std::string_view body) = 0;

  /// A keep() under way. A restart finds nothing of it before its end. Given up, it leaves nothing
  /// behind.
  class Keeping {
   public:
    virtual ~Keeping() = default;

    /// Makes room, then writes about `bytes` more. nullopt: there is more. Errors: as keep(). Not
    /// to be called again when it has given a result other than Errc::journal_full.
    [[nodiscard]] virtual std::optional<proto::Result<JournalId>> step(std::size_t bytes) = 0;
  };

  /// keep() some at a time, for a record that takes longer than one turn of the loop may. The
  /// journal and `body` outlive what is returned. nullptr: only keep() will do.
  [[nodiscard]] virtual std::unique_ptr<Keeping> begin(const RecordHead& head,
                                                       std::string_view body);

  /// Whether keep() has room for a body of about `bytes`: to make some takes longer than to write
  /// it.
  [[nodiscard]] virtual bool has_room(std::size_t bytes) const;

  /// Whether a record with a body of about `bytes` would find room if those were released: what is
  /// dead in a file is not always given back.
  [[nodiscard]] virtual bool has_room_without(std::span<const JournalId> records,
                                              std::size_t bytes) const;

  /// Reads a kept record back. Errors: the disk's, Errc::journal_damaged.
  [[nodiscard]] virtual proto::Result<Record> read(JournalId id) = 0;

  /// The same some at a time, where that is worth it: about `bytes` of what `reading` has not read
  /// yet. nullopt: there is more. Errors: as read().
  [[nodiscard]] virtual std::optional<proto::Result<Record>> read_some(JournalId id,
                                                                       RecordReading& reading,
                                                                       std::size_t bytes);

  /// It has met its fate: a restart will not find it. Throws nothing, least of all for want of
  /// memory.
  virtual void release(JournalId id) = 0;

  /// The same for all that is kept, at once.
  virtual void release_all() = 0;

  /// A record that an earlier process left waiting; it stays kept under `id`. If this throws, it
  /// comes again.
  using Found = std::function<void(JournalId id, Record record)>;
  /// Reads on in what earlier processes left, for at most 1 ms or 256 KiB (one record may be
  /// longer). Returns whether there is more.
  [[nodiscard]] virtual bool recover_some(const Found& found) = 0;

  /// At each INVOKE: what could not be had (the lock, a folder, a full disk) is tried again. Cheap
  /// when there is nothing to do.
  virtual void retry() = 0;

  struct Figures {
    bool durable = false;       ///< the last keep() went to a file, the next may
    bool all_recovered = true;  ///< nothing of an earlier process is left to look at
    std::uint64_t bytes = 0;    ///< of all segment files
    std::uint64_t segments = 0;
    std::uint64_t skipped_bytes = 0;  ///< damaged, found while recovering
    std::uint64_t write_failures = 0;
  };

  [[nodiscard]] virtual Figures figures() const = 0;
};

/// None: everything lives in memory and dies with the process.
class NoJournal final : public Journal {
 public:
  [[nodiscard]] proto::Result<JournalId> keep(const RecordHead& head,
                                              std::string_view body) override;
  [[nodiscard]] proto::Result<Record> read(JournalId id) override;

  void release(JournalId) override {}

  void release_all() override {}

  [[nodiscard]] bool recover_some(const Found&) override { return false; }

  void retry() override {}

  [[nodiscard]] Figures figures() const override { return {}; }
};

}  // namespace relay
