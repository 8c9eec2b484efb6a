// All children of one environment: started, listened to, frozen, thawed and ended together.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "tests/sandbox/process.hpp"
#include "tests/sandbox/recorder.hpp"
#include "tests/sandbox/task_group.hpp"

namespace sandbox {

/// What the platform does with the pipes its children write to once init is over.
enum class PipePolicy { read, stop, close };

class ProcessTable {
 public:
  using OnExit = std::function<void(Process&)>;

  ProcessTable(asio::io_context& io, TaskGroup& tasks, Recorder& recorder, PipePolicy policy);
  /// Kills whatever still runs.
  ~ProcessTable();
  ProcessTable(const ProcessTable&) = delete;
  ProcessTable& operator=(const ProcessTable&) = delete;

  /// Called once for each child that ends, whoever ended it.
  void on_exit(OnExit handler) { on_exit_ = std::move(handler); }

  /// Never moves afterwards; lives as long as the table. Error: the errno of fork or exec.
  [[nodiscard]] proto::Result<Process*> start(const Command& command);

  void freeze();
  void thaw();
  void kill_all();
  /// Of those whom our children started; groups end with their leaders, others live on.
  static void kill_strays();
  [[nodiscard]] bool any_running() const;

  /// Init is over: the pipe policy takes effect.
  void init_over();

  /// Waits for children to end; to be spawned once.
  asio::awaitable<void> reap();

 private:
  struct Child {
    Child(Process started, const Command& command)
        : process(std::move(started)), label(command.label), is_function(command.is_function) {}

    Process process;
    std::string label;
    bool is_function;
  };

  [[nodiscard]] bool knows(pid_t id) const;
  /// Nobody else waits for a child's children once they are orphans.
  void bury_orphans();
  asio::awaitable<void> read_lines(Child& child, asio::posix::stream_descriptor& pipe);

  asio::io_context& io_;
  TaskGroup& tasks_;
  Recorder& recorder_;
  PipePolicy policy_;
  bool reading_ = true;
  OnExit on_exit_;
  asio::signal_set children_ended_;
  std::vector<std::unique_ptr<Child>> children_;
  std::vector<pid_t> stopped_;  ///< by the freeze
};

}  // namespace sandbox
