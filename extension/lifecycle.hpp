// The life of one Lambda extension: bind, register, subscribe, then next for ever; each invoke held
// as long as pace.hpp says; drained at SHUTDOWN. The order is the platform's: the runtime starts
// only when every extension has registered, so a port bound before is there for the function's
// first request (AWS docs, "Using the Lambda Extensions API to create extensions"; checked
// 2026-11).
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "extension/extensions_api.hpp"
#include "extension/failure_reports.hpp"
#include "extension/host_stats.hpp"
#include "extension/invoke_telemetry.hpp"
#include "extension/next_loop.hpp"
#include "extension/pace.hpp"
#include "extension/relay_port.hpp"
#include "extension/telemetry_listener.hpp"
#include "proto/telemetry.hpp"
#include "relay/emf.hpp"
#include "relay/wakeup.hpp"

namespace extension {

struct LifecycleSettings {
  PaceSettings pace;
  std::string spool_dir;  ///< where the ready file goes
  std::string init_type;  ///< how the platform says it has started the environment; "": it does not
  bool function_logs = false;      ///< to be subscribed to, beside the platform's records
  std::chrono::minutes emf{0};     ///< between two lines of metrics; 0: none
  std::string function_name = {};  ///< whose metrics they are
};

/// How long a drain may last that SIGTERM, not SHUTDOWN, has ordered.
inline constexpr relay::milliseconds kSigtermDrain{1500};

class Lifecycle {
 public:
  /// Everything referred to outlives it.
  Lifecycle(const asio::any_io_executor& executor, Platform platform, RelayPort& relay,
            FailureReports& failures, HostStats& stats, LifecycleSettings settings);

  /// Returns when SHUTDOWN or terminate() has come and the relay is drained and stopped. What
  /// throws in between is survived; it throws only when the loop itself cannot go on. Telemetry is
  /// subscribed to for `telemetry_uri`; "": not at all.
  [[nodiscard]] asio::awaitable<void> run(std::string telemetry_uri);

  /// SIGTERM.
  void terminate() { terminated_.notify(); }

  /// A telemetry record has come.
  void heard(const proto::TelemetryRecord& record,
             TelemetrySender sender = TelemetrySender::platform);

 private:
  // Not a variant: operator|| would flatten it into its own.
  struct End {
    proto::ShutdownEvent shutdown;
    std::exception_ptr failure;  ///< null: SHUTDOWN has come
  };

  [[nodiscard]] asio::awaitable<End> until_shutdown(std::string telemetry_uri);
  [[nodiscard]] asio::awaitable<proto::ShutdownEvent> live(std::string telemetry_uri);
  void first_next_asked();
  void open_port();
  void write_ready();
  [[nodiscard]] asio::awaitable<void> subscribe(std::string uri);
  void begin(proto::InvokeEvent event);
  [[nodiscard]] bool is_copy() const;
  void start_over();
  [[nodiscard]] asio::awaitable<void> hold();
  void close_invoke();
  void missed_runtime_done();
  void learn(InvokeTelemetry::News news);
  void say_metrics();
  [[nodiscard]] asio::awaitable<void> report_failures(proto::ShutdownEvent event,
                                                      relay::SteadyTime end);
  [[nodiscard]] asio::awaitable<void> drain(relay::SteadyTime deadline, bool last);
  [[nodiscard]] InvokeState current() const;

  [[nodiscard]] bool has_telemetry() const { return stats_.telemetry == TelemetryState::on; }

  [[nodiscard]] bool freezes() const { return settings_.pace.pace != Pace::continuous; }

  Platform platform_;
  relay::Clock& clock_;
  relay::Log& log_;
  RelayPort& relay_;
  FailureReports& failures_;
  HostStats& stats_;
  LifecycleSettings settings_;
  std::uint16_t announced_port_ = 0;     ///< what the ready file says
  bool managed_ = false;                 ///< SHUTDOWN is all that is granted: Managed Instances
  std::optional<InvokeState> open_;      ///< from INVOKE to asking for the next event
  HeldFor held_for_ = HeldFor::nothing;  ///< what was waited for last
  InvokeTelemetry telemetry_;
  std::optional<relay::WallTime> first_asked_;  ///< for a next event
  bool restored_ = false;                       ///< the platform tells of a restore
  Rhythm rhythm_;
  relay::Flow at_invoke_;  ///< what had come and gone at the last INVOKE
  relay::Flow at_next_;    ///< and when next was last asked for
  relay::EmfLines emf_;
  int misses_ = 0;  ///< invokes in a row without the runtimeDone that was hoped for
  relay::Wakeup heard_;
  relay::Wakeup terminated_;
};

}  // namespace extension
