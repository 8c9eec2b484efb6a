// One file of the journal while this process holds it open, and the records in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"
#include "relay/disk.hpp"
#include "relay/record.hpp"

namespace relay {

struct Segment {
  std::string name;
  Descriptor file;
  std::uint64_t end = 0;           ///< where the next record goes; what the file takes on disk
  std::uint64_t living = 0;        ///< records that wait
  std::uint64_t living_bytes = 0;  ///< of these
  unsigned folder = 0;             ///< SpoolFolder::opened() when it was made
  bool recovering = false;         ///< of an earlier process, and not all handed over yet
  bool unreadable = false;         ///< in parts: kept for a better day, not unlinked
  bool unfinished = false;         ///< of a large record that is being written
  bool stuck = false;              ///< holds a record that could not be moved
  /// Records that have met their fate, of which the disk was too full to be told.
  std::vector<std::uint64_t> owed{};

  /// Neither moved nor unlinked, whether anything in it waits or not.
  [[nodiscard]] bool stays() const { return recovering || unreadable || unfinished; }
};

struct RecordPlace {
  std::uint64_t at = 0;
  std::uint32_t bytes = 0;  ///< padding included
};

/// Errors: the disk's; Errc::journal_damaged.
[[nodiscard]] proto::Result<Record> read_record(Disk& disk, const Descriptor& file,
                                                RecordPlace place);

/// read_record() some at a time: a large one takes longer than one turn of the loop may.
class RecordReading {
 public:
  /// Reads about `bytes` more of the record at `place`. nullopt: there is more. Errors: as
  /// read_record(). Not to be called again when it has given a result.
  [[nodiscard]] std::optional<proto::Result<Record>> step(Disk& disk, const Descriptor& file,
                                                          RecordPlace place, std::size_t bytes);

 private:
  [[nodiscard]] proto::Result<void> begin(Disk& disk, const Descriptor& file, RecordPlace place);
  [[nodiscard]] proto::Result<Record> end();

  proto::Bytes body_;
  std::string fields_;        ///< what stands before the request body
  std::uint32_t wanted_ = 0;  ///< the checksum it should have
  std::uint32_t crc_ = 0;     ///< of what was read
  std::size_t read_ = 0;      ///< of the request body
  bool begun_ = false;
};

/// Writes `parts` behind the last record in one call; what was written of them in vain is cut off
/// again. Errors: the disk's. `whole` turns false if that could not be done either: what is written
/// next begins behind the rest.
struct Appended {
  proto::Result<std::uint64_t> at;  ///< where the first part stands
  bool whole = true;
};

[[nodiscard]] Appended append(Disk& disk, Segment& segment,
                              std::span<const std::string_view> parts);

}  // namespace relay
