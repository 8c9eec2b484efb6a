// Makes a Sentry event of each failure that failure_watch finds, and hands it to the relay like any
// other. Hears what the lifecycle hears; keeps what the process after a reset has to know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "extension/failure_watch.hpp"
#include "extension/function_log.hpp"
#include "extension/host_stats.hpp"
#include "extension/invoke_file.hpp"
#include "extension/relay_port.hpp"
#include "proto/failure_event.hpp"
#include "proto/lambda_events.hpp"
#include "proto/telemetry.hpp"
#include "relay/clock.hpp"
#include "relay/disk.hpp"
#include "relay/log.hpp"

namespace extension {

class FailureReports {
 public:
  struct Settings {
    bool on = true;      ///< else nothing is reported; behind_an_invoke() holds all the same
    std::string folder;  ///< of the file `invoke`; "": nothing is kept
    proto::FunctionFacts facts;  ///< what the environment tells
    std::size_t log_lines = 0;   ///< of the function, in the event of its failure
  };

  /// All of it outlives this. `random` gives 64 random bits.
  struct Parts {
    RelayPort& relay;
    relay::Clock& clock;
    relay::Log& log;
    HostStats& stats;
    relay::Disk& disk;
    std::uint64_t (*random)();
  };

  FailureReports(Settings settings, Parts parts);

  void registered(const proto::Registration& registration);
  /// The first next has been asked for: what an earlier process has left is read. What was heard
  /// before waits for that: it may be what that process has reported.
  void first_next_asked();
  /// `telemetry`: a runtimeDone may be hoped for.
  void invoke(const proto::InvokeEvent& event, bool telemetry);
  void heard(const proto::TelemetryRecord& record);
  void shutdown(const proto::ShutdownEvent& event, bool telemetry);

  /// At SHUTDOWN: a failure waits for its details; for kDetailsLimit, then finish().
  [[nodiscard]] bool pending() const { return settings_.on && watch_.pending(); }

  void finish();

  /// An earlier process of this sandbox had an INVOKE; false where none of them kept it.
  [[nodiscard]] bool behind_an_invoke() const { return behind_an_invoke_; }

 private:
  void judge(const proto::TelemetryRecord& record);
  void trace();
  void report(std::vector<proto::FailureFacts> failures);
  void keep();

  Settings settings_;
  Parts parts_;
  FailureWatch watch_;
  FunctionLog function_log_;
  InvokeFile file_;
  std::optional<KeptInvoke> kept_;             ///< what the file says
  bool asked_ = false;                         ///< for a next event
  std::vector<proto::TelemetryRecord> early_;  ///< heard before that
  bool behind_an_invoke_ = false;
};

}  // namespace extension
