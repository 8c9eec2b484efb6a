// One child: started as the platform starts it, in a process group of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/types.h>

#include "proto/result.hpp"
#include "tests/sandbox/condition.hpp"

namespace sandbox {

struct Identity {
  uid_t user = 0;
  gid_t group = 0;
};

/// What a child is shut into on its way to exec; a descriptor of -1 means not.
struct Confinement {
  int mounts = -1;               ///< mount namespace to enter
  int cpu = -1;                  ///< control group to join, by writing "0"
  int memory = -1;               ///< another one
  std::optional<Identity> user;  ///< who to become
};

struct Command {
  std::string label;  ///< "function" or the extension's file name
  bool is_function = false;
  std::vector<std::string>
      arguments;  ///< argv; the first is the program, looked up in PATH if bare
  std::vector<std::string> environment;
  std::string directory;                     ///< where it starts
  unsigned descriptors = 1024;               ///< RLIMIT_NOFILE
  bool dies_first = false;                   ///< when the kernel kills for want of memory
  const Confinement* confinement = nullptr;  ///< looked at when it starts; outlives the command
};

/// Where a program lies: looked up in our PATH if bare, else as it is.
[[nodiscard]] std::string find_program(const std::string& name);

/// Goes in, for good; the working directory is then `/`. errno says why not.
[[nodiscard]] bool enter(const Confinement& confinement);

class Process {
 public:
  /// Returns the errno of what failed, of exec in the child too.
  [[nodiscard]] static proto::Result<Process> start(asio::io_context& io, const Command& command);

  [[nodiscard]] pid_t id() const { return id_; }

  [[nodiscard]] bool running() const { return !wait_status_; }

  /// Looks whether it has ended, without blocking. True the first time it finds so.
  bool reap();

  /// To the whole group, as long as the direct child has not been reaped.
  void signal_group(int signal) const;

  /// To whatever is left in the group after the direct child ended.
  void kill_leftovers() const;

  /// Waits, blocking, until SIGSTOP has stopped every thread of the direct child.
  void wait_stopped(std::chrono::steady_clock::time_point deadline) const;

  /// The exit status when it exited by itself.
  [[nodiscard]] std::optional<int> exit_code() const;

  /// By SIGKILL, whoever sent it.
  [[nodiscard]] bool killed() const;

  /// "exit status 7", "exit code 0", "signal: killed".
  [[nodiscard]] std::string ending() const;

  asio::posix::stream_descriptor output;
  asio::posix::stream_descriptor errors;

 private:
  Process(pid_t id, asio::posix::stream_descriptor out, asio::posix::stream_descriptor err);
  pid_t id_;
  std::optional<int> wait_status_;
};

}  // namespace sandbox
