// One run: builds the environment and the upstream, plays the script, takes everything down again.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "tests/sandbox/capture.hpp"
#include "tests/sandbox/environment.hpp"
#include "tests/sandbox/isolation.hpp"
#include "tests/sandbox/options.hpp"
#include "tests/sandbox/platform_server.hpp"
#include "tests/sandbox/surroundings.hpp"

namespace sandbox {

class Run {
 public:
  Run(asio::io_context& io, const Options& options, Recorder& recorder);

  /// 0 if the environment could be run, 1 if not, 130 if a signal ended it.
  asio::awaitable<int> play();

 private:
  [[nodiscard]] bool make_upstream();
  [[nodiscard]] Placeholders placeholders() const;
  /// False if the children cannot be isolated as required.
  [[nodiscard]] bool make_environment();
  asio::awaitable<void> play_script();
  asio::awaitable<void> play_step(const Step& step, bool invoke_follows);
  asio::awaitable<void> invokes(const Step& step, bool invoke_follows);
  [[nodiscard]] std::string next_event();
  asio::awaitable<void> renew_tmp();
  asio::awaitable<void> watch_signals();
  asio::awaitable<void> take_down();

  asio::io_context& io_;
  const Options& options_;
  Recorder& recorder_;
  TaskGroup tasks_;
  TaskGroup script_;
  Condition changed_;
  Frost frost_;
  RunDirectory directory_;
  std::unique_ptr<Isolation> isolation_;
  ReservedPort reserved_port_;
  ProcessTable processes_;
  ExtensionsApi extensions_;
  RuntimeApi runtime_;
  TelemetryApi telemetry_;
  PlatformServer server_;
  Road road_;
  std::unique_ptr<Capture> capture_;
  std::unique_ptr<Environment> environment_;
  asio::signal_set signals_;
  bool interrupted_ = false;
  bool after_invoke_ = false;  ///< the step before was an invoke: a gap is due
  bool tmp_is_stale_ = false;  ///< the environment it belonged to was spun down
  std::size_t next_event_ = 0;
};

}  // namespace sandbox
