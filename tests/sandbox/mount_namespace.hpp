// What the children see of this machine: everything read-only, and a /tmp of their own.
// AWS docs, "Lambda quotas": /tmp has between 512 MB and 10,240 MB.
#pragma once

#include <string>
#include <vector>

#include "relay/descriptor.hpp"
#include "tests/sandbox/process.hpp"

namespace sandbox {

struct MountShape {
  unsigned tmp_mib = 512;
  bool tmp_read_only = false;
  std::string tmp;                 ///< a folder under /tmp, made for `owner`
  Identity owner;                  ///< of that folder
  std::vector<std::string> shown;  ///< what stays visible of our /tmp, read-only
};

/// Held by its descriptor, not by a process: its /tmp outlives whoever writes there, and is gone
/// with the last process in it once the descriptor is closed. We ourselves stay outside.
class MountNamespace {
 public:
  MountNamespace() = default;
  explicit MountNamespace(const MountShape& shape);

  [[nodiscard]] bool ok() const { return descriptor_.is_open(); }

  /// For setns.
  [[nodiscard]] int descriptor() const { return descriptor_.get(); }

  /// The step that failed, and why.
  [[nodiscard]] const std::string& failure() const { return failure_; }

 private:
  relay::Descriptor descriptor_;
  std::string failure_;
};

}  // namespace sandbox
