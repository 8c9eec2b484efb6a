// A control group of our own: made for one controller, joined by the children, removed at the end.
// Linux kernel docs, admin-guide/cgroup-v2 and admin-guide/cgroup-v1.
#pragma once

#include <functional>
#include <string>

#include "relay/descriptor.hpp"

namespace sandbox {

class ControlGroup {
 public:
  /// Sets a new group up; false, with errno, if that cannot be done.
  using SetUp = std::function<bool(const ControlGroup&)>;

  /// Tries our own group and then the top, version 2 before version 1.
  ControlGroup(const std::string& controller, const SetUp& set_up);
  /// Kills who is left in the group and removes it.
  ~ControlGroup();
  ControlGroup(const ControlGroup&) = delete;
  ControlGroup& operator=(const ControlGroup&) = delete;

  [[nodiscard]] bool ok() const { return door_.is_open(); }

  /// Whoever writes "0" here is in.
  [[nodiscard]] int door() const { return door_.get(); }

  /// 2, or 1.
  [[nodiscard]] int version() const { return version_; }

  /// "cgroup v1" or "cgroup v2".
  [[nodiscard]] std::string kind() const { return "cgroup v" + std::to_string(version_); }

  [[nodiscard]] const std::string& failure() const { return failure_; }

  /// False, with errno, if the group has no such file or it takes no such value.
  [[nodiscard]] bool write(const std::string& file, const std::string& text) const;
  /// All of a file; "" if there is none.
  [[nodiscard]] std::string read(const std::string& file) const;

 private:
  [[nodiscard]] bool open_in(const std::string& parent, const SetUp& set_up);
  void remove() const;

  int version_ = 0;
  std::string folder_;
  relay::Descriptor door_;
  std::string failure_ = "no cgroup file system for it is mounted";
};

}  // namespace sandbox
