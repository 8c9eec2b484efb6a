// What the journal asks of the file system; a test replaces it by one that fails. Nothing is ever
// mapped (a file cut short under a map is SIGBUS) nor synced (the files need to outlive the
// process, not the machine). Errors are the system's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/stat.h>

#include "proto/result.hpp"
#include "relay/descriptor.hpp"

namespace relay {

class Disk {
 public:
  virtual ~Disk() = default;

  /// Makes the folder with mode 0700 if it is missing, with those on the way to it (0755), and
  /// takes a looser mode back. Refused: a symbolic link, what is no folder, a folder of another
  /// user or of all (sticky).
  [[nodiscard]] virtual proto::Result<Descriptor> open_folder(const std::string& path) = 0;

  /// Whether `path` still leads to this folder.
  [[nodiscard]] virtual bool is_at(const Descriptor& folder, const std::string& path) = 0;

  /// flock(2): held until the descriptor is closed. errc::operation_would_block: another open
  /// descriptor holds it.
  [[nodiscard]] virtual proto::Result<void> lock(const Descriptor& folder) = 0;

  struct Entry {
    std::string name;
    std::uint64_t bytes = 0;
    bool ours = false;  ///< a regular file of this user with one name
  };

  /// All but "." and "..", in no order.
  [[nodiscard]] virtual proto::Result<std::vector<Entry>> list(const Descriptor& folder) = 0;

  /// A new file, mode 0600; an error if the name is taken.
  [[nodiscard]] virtual proto::Result<Descriptor> create(const Descriptor& folder,
                                                         const std::string& name) = 0;

  struct Opened {
    Descriptor file;
    std::uint64_t bytes = 0;
  };

  /// For reading and writing. Refused: what is not Entry::ours.
  [[nodiscard]] virtual proto::Result<Opened> open(const Descriptor& folder,
                                                   const std::string& name) = 0;

  [[nodiscard]] virtual proto::Result<void> unlink(const Descriptor& folder,
                                                   const std::string& name) = 0;

  /// Whether the file still has a name.
  [[nodiscard]] virtual bool is_linked(const Descriptor& file) = 0;

  /// One system call. May write less than all, and says how much.
  [[nodiscard]] virtual proto::Result<std::size_t> write(
      const Descriptor& file, std::uint64_t at, std::span<const std::string_view> parts) = 0;

  /// As many bytes as there are, up to `size`.
  [[nodiscard]] virtual proto::Result<std::size_t> read(const Descriptor& file, std::uint64_t at,
                                                        char* into, std::size_t size) = 0;

  [[nodiscard]] virtual proto::Result<void> truncate(const Descriptor& file,
                                                     std::uint64_t bytes) = 0;

  struct Space {
    std::uint64_t total = 0;      ///< 0: the file system does not say
    std::uint64_t available = 0;  ///< to this user
  };

  [[nodiscard]] virtual proto::Result<Space> space(const Descriptor& folder) = 0;
};

/// Makes the folder with mode 0700 if it is missing, with those on the way to it (0755). False:
/// errno says why.
[[nodiscard]] bool make_folder(const std::string& path);

/// Whether it is this user's alone: one with the sticky bit, as /tmp has it, holds files of others.
[[nodiscard]] bool is_own_folder(const struct stat& found);

class SystemDisk final : public Disk {
 public:
  [[nodiscard]] proto::Result<Descriptor> open_folder(const std::string& path) override;
  [[nodiscard]] bool is_at(const Descriptor& folder, const std::string& path) override;
  [[nodiscard]] proto::Result<void> lock(const Descriptor& folder) override;
  [[nodiscard]] proto::Result<std::vector<Entry>> list(const Descriptor& folder) override;
  [[nodiscard]] proto::Result<Descriptor> create(const Descriptor& folder,
                                                 const std::string& name) override;
  [[nodiscard]] proto::Result<Opened> open(const Descriptor& folder,
                                           const std::string& name) override;
  [[nodiscard]] proto::Result<void> unlink(const Descriptor& folder,
                                           const std::string& name) override;
  [[nodiscard]] bool is_linked(const Descriptor& file) override;
  [[nodiscard]] proto::Result<std::size_t> write(const Descriptor& file, std::uint64_t at,
                                                 std::span<const std::string_view> parts) override;
  [[nodiscard]] proto::Result<std::size_t> read(const Descriptor& file, std::uint64_t at,
                                                char* into, std::size_t size) override;
  [[nodiscard]] proto::Result<void> truncate(const Descriptor& file, std::uint64_t bytes) override;
  [[nodiscard]] proto::Result<Space> space(const Descriptor& folder) override;
};

}  // namespace relay
