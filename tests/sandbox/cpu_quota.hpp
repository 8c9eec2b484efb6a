// A share of the processor, through a control group of our own.
// Linux kernel docs, admin-guide/cgroup-v2 ("CPU Interface Files") and scheduler/sched-bwc.
#pragma once

#include "tests/sandbox/control_group.hpp"

namespace sandbox {

/// The least share that the kernel's smallest quota, 1 ms, can express.
constexpr double kLeastCores = 0.05;

class CpuQuota {
 public:
  explicit CpuQuota(double cores);
  ~CpuQuota();
  CpuQuota(const CpuQuota&) = delete;
  CpuQuota& operator=(const CpuQuota&) = delete;

  [[nodiscard]] const ControlGroup& group() const { return group_; }

 private:
  ControlGroup group_;
};

}  // namespace sandbox
