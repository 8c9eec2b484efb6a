// How far this machine lets us shut the children in, and what it did not let us do.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/sandbox/cpu_quota.hpp"
#include "tests/sandbox/memory_limit.hpp"
#include "tests/sandbox/mount_namespace.hpp"
#include "tests/sandbox/process.hpp"
#include "tests/sandbox/recorder.hpp"

namespace sandbox {

/// `attempt` goes on without what cannot be done, `require` does not.
enum class IsolationMode { off, attempt, require };

struct IsolationOptions {
  IsolationMode mode = IsolationMode::attempt;
  std::optional<Identity> user;  ///< who the children shall be; needs root
  unsigned tmp_mib = 512;
  bool tmp_read_only = false;
  std::vector<std::string> shown;  ///< paths under our /tmp the children shall find in theirs
  double cores = 0;                ///< 0: no limit
  unsigned memory_mib = 0;         ///< 0: no limit
};

class Isolation {
 public:
  /// `home` is the run's directory, `tmp` the folder in it for the children; `commands` are what
  /// will be started. Says in `recorder` and on standard error what could not be done.
  Isolation(const IsolationOptions& options, std::string home, std::string tmp,
            const std::vector<Command>& commands, Recorder& recorder);

  /// False if something is missing that is required.
  [[nodiscard]] bool enough() const;

  [[nodiscard]] const Confinement& confinement() const { return confinement_; }

  /// Null without a limit.
  [[nodiscard]] MemoryLimit* memory() const { return memory_.get(); }

  /// The next environment's /tmp: a new one. False if there is none of its own to renew.
  [[nodiscard]] bool renew_tmp();

 private:
  void shut_in(const std::vector<Command>& commands);
  void become_other(const std::vector<Command>& commands);
  void limit_cpu();
  void limit_memory();
  void announce() const;

  const IsolationOptions& options_;
  std::string home_;
  Recorder& recorder_;
  MountShape shape_;
  MountNamespace mounts_;
  std::unique_ptr<CpuQuota> cpu_;
  std::unique_ptr<MemoryLimit> memory_;
  Confinement confinement_;
};

}  // namespace sandbox
