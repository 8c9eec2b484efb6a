// The memory that function and extensions share, through a control group of our own: beyond it the
// kernel kills. Linux kernel docs, admin-guide/cgroup-v2 ("Memory Interface Files") and
// admin-guide/cgroup-v1/memory.
#pragma once

#include <cstdint>

#include "tests/sandbox/control_group.hpp"

namespace sandbox {

class MemoryLimit {
 public:
  explicit MemoryLimit(unsigned mib);

  [[nodiscard]] const ControlGroup& group() const { return group_; }

  /// Looks from here on whether the kernel kills for want of memory.
  void watch() { kills_before_ = kills(); }

  /// The same for a new environment, whose peak counts from here where the kernel allows it
  /// (version 1).
  void begin_anew();

  /// It has killed.
  [[nodiscard]] bool exhausted() const { return kills() > kills_before_; }

  /// The most that was in use at once, in MiB, rounded up.
  [[nodiscard]] std::uint64_t peak_mib() const;

 private:
  [[nodiscard]] std::uint64_t kills() const;

  ControlGroup group_;
  std::uint64_t kills_before_ = 0;
};

}  // namespace sandbox
