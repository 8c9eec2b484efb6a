// How much CPU time one turn of the loop takes, and how much of it the disk.
#pragma once

#include <cstddef>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include "relay/disk.hpp"

namespace bench {

/// Of this thread: what else the machine does is not in it.
inline double cpu_ms() {
  std::timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

/// The real disk, with what its reads and writes take.
class MeteredDisk final : public relay::Disk {
  // First: what follows needs its type.
  template <class Call>
  auto metered(Call call) {
    const double begun = cpu_ms();
    auto result = call();
    spent_ms_ += cpu_ms() - begun;
    return result;
  }

 public:
  using Descriptor = relay::Descriptor;
  template <class T>
  using Result = proto::Result<T>;

  [[nodiscard]] double spent_ms() const { return spent_ms_; }

  Result<Descriptor> open_folder(const std::string& path) override {
    return disk_.open_folder(path);
  }

  bool is_at(const Descriptor& folder, const std::string& path) override {
    return disk_.is_at(folder, path);
  }

  Result<void> lock(const Descriptor& folder) override { return disk_.lock(folder); }

  Result<std::vector<Entry>> list(const Descriptor& folder) override { return disk_.list(folder); }

  Result<Descriptor> create(const Descriptor& folder, const std::string& name) override {
    return disk_.create(folder, name);
  }

  Result<Opened> open(const Descriptor& folder, const std::string& name) override {
    return disk_.open(folder, name);
  }

  Result<void> unlink(const Descriptor& folder, const std::string& name) override {
    return metered([&] { return disk_.unlink(folder, name); });
  }

  bool is_linked(const Descriptor& file) override { return disk_.is_linked(file); }

  Result<std::size_t> write(const Descriptor& file, std::uint64_t at,
                            std::span<const std::string_view> parts) override {
    return metered([&] { return disk_.write(file, at, parts); });
  }

  Result<std::size_t> read(const Descriptor& file, std::uint64_t at, char* into,
                           std::size_t size) override {
    return metered([&] { return disk_.read(file, at, into, size); });
  }

  Result<void> truncate(const Descriptor& file, std::uint64_t bytes) override {
    return metered([&] { return disk_.truncate(file, bytes); });
  }

  Result<Space> space(const Descriptor& folder) override { return disk_.space(folder); }

 private:
  relay::SystemDisk disk_;
  double spent_ms_ = 0;
};

class Meter {
 public:
  struct Turn {
    double cpu_ms = 0;
    double disk_ms = 0;     ///< of it
    std::size_t turns = 0;  ///< out of so many the longest
  };

  void begin(const MeteredDisk&) { longest_ = {}; }

  template <class Work>
  void measure(const MeteredDisk& disk, Work&& work) {
    const double disk_before = disk.spent_ms();
    const double begun = cpu_ms();
    std::forward<Work>(work)();
    const double took = cpu_ms() - begun;
    ++longest_.turns;
    if (took <= longest_.cpu_ms) return;
    longest_.cpu_ms = took;
    longest_.disk_ms = disk.spent_ms() - disk_before;
  }

  [[nodiscard]] Turn longest() const { return longest_; }

 private:
  Turn longest_;
};

}  // namespace bench
