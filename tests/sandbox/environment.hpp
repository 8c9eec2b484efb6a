// The life of one execution environment: init, invokes, freezes, resets, shutdown.
// AWS docs, "Understanding the Lambda execution environment lifecycle"; order and budgets from
// aws/aws-lambda-runtime-interface-emulator: internal/lambda/rapid/{handlers,shutdown}.go.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "tests/sandbox/environment_parts.hpp"

namespace sandbox {

class Environment {
 public:
  using Parts = EnvironmentParts;

  Environment(Parts parts, Command function, std::vector<Command> extensions, OutsideWorld outside);

  /// Starts everything if nothing runs and waits until it is ready; a failed init is torn down.
  asio::awaitable<void> prepare();

  /// One invoke from the caller's request until the phase is over; then frozen, if `freeze_after`.
  asio::awaitable<void> invoke(std::string event, bool freeze_after);

  /// Managed Instances: all of them at once; returns when each caller has its answer.
  asio::awaitable<void> burst(std::vector<std::string> events);

  /// SnapStart: frozen for `pause` with every connection cut, then what follows a restore.
  asio::awaitable<void> restore(std::chrono::milliseconds pause);

  /// Awake without an event; on Managed Instances what dies meanwhile ends the environment.
  asio::awaitable<void> rest(std::chrono::milliseconds length);

  void freeze();
  void thaw();

  /// The orderly end, frozen or not. Afterwards the next init is a fresh one.
  asio::awaitable<void> spindown();
  /// SIGKILL to everything at once, without a word.
  asio::awaitable<void> destroy();
  /// Breaks the connection of every open /event/next.
  void drop_next();

  [[nodiscard]] bool ready() const { return initialised_; }

  /// A program could not even be started.
  [[nodiscard]] bool launch_failed() const { return launch_failed_; }

  /// That was an extension: no invoke can ever work.
  [[nodiscard]] bool hopeless() const { return hopeless_; }

 private:
  // environment.cpp: init
  asio::awaitable<bool> initialise(std::string phase, SteadyTime deadline);
  asio::awaitable<bool> run_init(SteadyTime deadline);
  [[nodiscard]] bool launch(const Command& command, bool is_extension);
  void exited(Process& process);
  void fail(std::string type, std::string text);
  void announce_init(const std::string& phase, double begin_ms);
  [[nodiscard]] Failure runtime_failure(const Process& process) const;
  [[nodiscard]] bool all_agents(bool (*holds)(const Agent&)) const;
  void forget_processes();
  // restore.cpp
  [[nodiscard]] bool needs_restore() const;
  void announce_restore(double begin_ms);
  // invocation.cpp
  [[nodiscard]] Invoke new_invoke(const InvokeRecord& record, std::string event) const;
  asio::awaitable<void> run_invoke(Invoke& invoke, InvokeRecord& record);
  asio::awaitable<void> fail_between(InvokeRecord record);
  void publish_start(const std::string& request_id);
  void hand_out(Invoke& invoke);
  [[nodiscard]] bool invoke_over(const Invoke& invoke) const;
  void conclude(const Invoke& invoke, InvokeRecord& record, bool over);
  void publish_runtime_done(const InvokeRecord& record, std::string_view status,
                            std::string_view error_type);
  void publish_report(const InvokeRecord& record);
  // shutdown.cpp
  asio::awaitable<void> shut_down(std::string reason);
  asio::awaitable<void> end_runtime(SteadyTime deadline, bool gracefully);
  void hand_out_shutdown(Agent& agent, const std::string& event);
  asio::awaitable<void> kill_rest();

  Parts parts_;
  Command function_;
  std::vector<Command> extensions_;
  OutsideWorld outside_;
  Process* runtime_process_ = nullptr;
  std::optional<Failure> failure_;  ///< the first fatal thing since init
  bool initialised_ = false;
  bool fresh_ = true;      ///< the next init is not a suppressed one
  bool stopping_ = false;  ///< exits are expected
  bool runtime_done_published_ = false;
  bool launch_failed_ = false;
  bool hopeless_ = false;
  double init_ms_ = 0;  ///< length of the init before the first invoke
  bool freeze_follows_invoke_ = false;
  bool restored_ = false;  ///< what runs came out of a snapshot
  double restore_ms_ = 0;  ///< length of the restore before the first invoke
};

}  // namespace sandbox
