// A share of the processor, through a control group of our own.
// Linux kernel docs, admin-guide/cgroup-v2 ("CPU Interface Files") and scheduler/sched-bwc.
#pragma once

#include <string>

#include "relay/descriptor.hpp"

namespace sandbox {

/// The least share that the kernel's smallest quota, 1 ms, can express.
constexpr double kLeastCores = 0.05;

class CpuQuota {
 public:
  /// Tries our own group and then the top, version 2 before version 1.
  explicit CpuQuota(double cores);
  /// Kills who is left in the group and removes it.
  ~CpuQuota();
  CpuQuota(const CpuQuota&) = delete;
  CpuQuota& operator=(const CpuQuota&) = delete;

  [[nodiscard]] bool ok() const { return door_.is_open(); }

  /// Whoever writes "0" here is in.
  [[nodiscard]] int door() const { return door_.get(); }

  /// "cgroup v1" or "cgroup v2".
  [[nodiscard]] std::string kind() const { return "cgroup v" + std::to_string(version_); }

  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  [[nodiscard]] bool open_in(const std::string& parent, double cores);
  [[nodiscard]] bool limit(long quota_us) const;
  void remove();

  int version_ = 0;
  std::string group_;
  relay::Descriptor door_;
  std::string failure_ = "no cgroup file system for it is mounted";
};

}  // namespace sandbox
