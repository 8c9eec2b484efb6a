// A disk with one folder, in memory: as the real one, but it leaves nothing behind, and one read
// and one write of it may fail.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "relay/disk.hpp"

namespace support {

class MemoryDisk final : public relay::Disk {
 public:
  using Descriptor = relay::Descriptor;
  template <class T>
  using Result = proto::Result<T>;

  std::size_t failing_read = 0;   ///< the n-th; 0: none
  std::size_t failing_write = 0;  ///< the n-th takes half; 0: none

  /// A file that an earlier process left.
  void put(const std::string& name, std::string_view content) {
    const auto file = make();
    REQUIRE(disk_.write(file, 0, {&content, 1}).value() == content.size());
    files_.insert_or_assign(name, same(file));
  }

  [[nodiscard]] std::size_t files() const { return files_.size(); }

  Result<Descriptor> open_folder(const std::string&) override { return make(); }

  bool is_at(const Descriptor&, const std::string&) override { return true; }

  Result<void> lock(const Descriptor&) override { return {}; }

  Result<std::vector<Entry>> list(const Descriptor&) override {
    std::vector<Entry> entries;
    entries.reserve(files_.size());
    for (const auto& [name, file] : files_) entries.push_back({name, size(file), true});
    return entries;
  }

  Result<Descriptor> create(const Descriptor&, const std::string& name) override {
    if (files_.contains(name)) return error(boost::system::errc::file_exists);
    auto file = make();
    files_.emplace(name, same(file));
    return file;
  }

  Result<Opened> open(const Descriptor&, const std::string& name) override {
    const auto found = files_.find(name);
    if (found == files_.end()) return error(boost::system::errc::no_such_file_or_directory);
    return Opened{same(found->second), size(found->second)};
  }

  Result<void> unlink(const Descriptor&, const std::string& name) override {
    files_.erase(name);
    return {};
  }

  bool is_linked(const Descriptor& file) override {
    const auto inode = status(file).st_ino;
    return std::ranges::any_of(
        files_, [inode](const auto& one) { return status(one.second).st_ino == inode; });
  }

  Result<std::size_t> write(const Descriptor& file, std::uint64_t at,
                            std::span<const std::string_view> parts) override {
    if (++writes_ != failing_write) return disk_.write(file, at, parts);
    const auto some = parts.first(parts.size() / 2);
    if (some.empty()) return error(boost::system::errc::no_space_on_device);
    return disk_.write(file, at, some);
  }

  Result<std::size_t> read(const Descriptor& file, std::uint64_t at, char* into,
                           std::size_t size) override {
    if (++reads_ == failing_read) return error(boost::system::errc::io_error);
    return disk_.read(file, at, into, size);
  }

  Result<void> truncate(const Descriptor& file, std::uint64_t bytes) override {
    return disk_.truncate(file, bytes);
  }

  Result<Space> space(const Descriptor&) override { return Space{}; }

 private:
  static boost::system::error_code error(boost::system::errc::errc_t why) {
    return boost::system::errc::make_error_code(why);
  }

  static Descriptor make() {
    Descriptor file(::memfd_create("thaw-test", MFD_CLOEXEC));
    REQUIRE(file.is_open());
    return file;
  }

  static Descriptor same(const Descriptor& file) {
    Descriptor copy(::dup(file.get()));
    REQUIRE(copy.is_open());
    return copy;
  }

  static struct stat status(const Descriptor& file) {
    struct stat found{};
    if (::fstat(file.get(), &found) != 0) FAIL("fstat");
    return found;
  }

  static std::uint64_t size(const Descriptor& file) {
    return static_cast<std::uint64_t>(status(file).st_size);
  }

  relay::SystemDisk disk_;
  std::map<std::string, Descriptor> files_;
  std::size_t reads_ = 0;
  std::size_t writes_ = 0;
};

}  // namespace support
