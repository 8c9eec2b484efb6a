// The real disk, which fails when it is told to, and counts what it is asked.
#pragma once

#include <cerrno>
#include <cstdint>
#include <optional>
#include <vector>

#include "relay/disk.hpp"

namespace support {

class FaultyDisk final : public relay::Disk {
 public:
  using Descriptor = relay::Descriptor;
  template <class T>
  using Result = proto::Result<T>;

  std::size_t writes = 0;  ///< asked for so far
  /// From this write on (1 is the first) each takes at most `takes` bytes.
  std::size_t full_from = SIZE_MAX;
  /// Just this write does.
  std::size_t short_at = 0;
  std::size_t takes = 0;
  bool truncates = true;
  bool reads = true;
  std::size_t refused_read = 0;  ///< just this one from now on (1 is the next)
  bool creates = true;
  std::optional<boost::system::errc::errc_t> opens;  ///< why it does not
  bool locked = false;
  std::optional<Space> says;  ///< instead of what the file system says

  Result<Descriptor> open_folder(const std::string& path) override {
    return disk_.open_folder(path);
  }

  bool is_at(const Descriptor& folder, const std::string& path) override {
    return disk_.is_at(folder, path);
  }

  Result<void> lock(const Descriptor& folder) override {
    if (locked) return error(boost::system::errc::operation_would_block);
    return disk_.lock(folder);
  }

  Result<std::vector<Entry>> list(const Descriptor& folder) override { return disk_.list(folder); }

  Result<Descriptor> create(const Descriptor& folder, const std::string& name) override {
    if (!creates) return error(boost::system::errc::read_only_file_system);
    return disk_.create(folder, name);
  }

  Result<Opened> open(const Descriptor& folder, const std::string& name) override {
    if (opens) return error(*opens);
    return disk_.open(folder, name);
  }

  Result<void> unlink(const Descriptor& folder, const std::string& name) override {
    return disk_.unlink(folder, name);
  }

  bool is_linked(const Descriptor& file) override { return disk_.is_linked(file); }

  Result<std::size_t> write(const Descriptor& file, std::uint64_t at,
                            std::span<const std::string_view> parts) override {
    ++writes;
    if (writes < full_from && writes != short_at) return disk_.write(file, at, parts);
    std::string some;
    for (const auto part : parts) some += part;
    some.resize(std::min(some.size(), takes));
    if (some.empty()) return error(boost::system::errc::no_space_on_device);
    const std::string_view only = some;
    return disk_.write(file, at, {&only, 1});
  }

  Result<std::size_t> read(const Descriptor& file, std::uint64_t at, char* into,
                           std::size_t size) override {
    const bool refused = refused_read > 0 && --refused_read == 0;
    if (!reads || refused) return error(boost::system::errc::io_error);
    return disk_.read(file, at, into, size);
  }

  Result<void> truncate(const Descriptor& file, std::uint64_t bytes) override {
    if (!truncates) return error(boost::system::errc::io_error);
    return disk_.truncate(file, bytes);
  }

  Result<Space> space(const Descriptor& folder) override {
    if (says) return *says;
    return disk_.space(folder);
  }

 private:
  static boost::system::error_code error(boost::system::errc::errc_t why) {
    return boost::system::errc::make_error_code(why);
  }

  relay::SystemDisk disk_;
};

}  // namespace support
