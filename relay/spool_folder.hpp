// The folder of the journal: made, locked, listed; it numbers the segments and knows how much room
// the file system has to spare. Files it does not know are left alone.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "proto/result.hpp"
#include "relay/disk.hpp"

namespace relay {

class SpoolFolder {
 public:
  /// `disk` outlives the folder.
  SpoolFolder(Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}

  struct Found {
    /// Of earlier processes, the oldest last. To hand them on takes no memory, unlike a deque's.
    std::vector<Disk::Entry> segments;
    std::vector<std::string> strangers;  ///< left alone
  };

  /// Errors: the disk's; errc::operation_would_block while another process holds the lock.
  [[nodiscard]] proto::Result<Found> open();

  void close() { folder_ = Descriptor(); }

  [[nodiscard]] bool is_open() const { return folder_.is_open(); }

  /// How often it was opened; a segment of an earlier folder is not in this one.
  [[nodiscard]] unsigned opened() const { return opened_; }

  /// Whether the folder is open and still where its name leads.
  [[nodiscard]] bool in_place() const { return is_open() && disk_.is_at(folder_, path_); }

  struct Made {
    std::string name;
    Descriptor file;
  };

  /// Its number is above every other's. Errors: the disk's; errc::file_too_large: the numbers are
  /// used up.
  [[nodiscard]] proto::Result<Made> create();

  [[nodiscard]] proto::Result<Disk::Opened> open_old(const std::string& name) {
    return disk_.open(folder_, name);
  }

  void unlink(const std::string& name) { static_cast<void>(disk_.unlink(folder_, name)); }

  /// What may be written before the last tenth of the file system, at least 16 MiB, is reached.
  [[nodiscard]] std::uint64_t room() const;

 private:
  Disk& disk_;
  std::string path_;
  Descriptor folder_;
  unsigned opened_ = 0;
  std::uint32_t last_number_ = 0;
};

}  // namespace relay
