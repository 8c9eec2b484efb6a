// Watches for what no SDK can report, because it was killed or never ran: timeouts, runtimes that
// end or run out of memory, failed inits, answers that are too large. Pure: it is told what the
// platform says, in whatever order that comes, and gives out each failure once, a (request id,
// deadline) being one: asynchronous retries reuse the id (AWS docs, "How Lambda handles errors and
// retries with asynchronous invocation"; checked 2026-11).
//
// Evidence is a failed platform.runtimeDone, where none comes (Managed Instances) a failed report;
// a failed init, once in a process, and whatever fails behind it fails for that reason until an
// init or an invoke goes well; a SHUTDOWN with reason timeout or failure while an invoke is open;
// an invoke that an earlier process left open although its end would have been told.
//
// A failure that resets the sandbox waits for its platform.report, which tells memory from other
// ends: until SHUTDOWN and kDetailsLimit, or the next INVOKE. Every other is complete at once.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "extension/kept_invoke.hpp"
#include "proto/failure_event.hpp"
#include "proto/lambda_events.hpp"
#include "proto/telemetry.hpp"
#include "relay/clock.hpp"

namespace extension {

/// How long a SHUTDOWN may wait while pending(): others see the report after 5 ms, 40 at most
/// (elastic/apm-aws-lambda, pull request 347).
inline constexpr relay::milliseconds kDetailsLimit{50};

class FailureWatch {
 public:
  using WallTime = relay::WallTime;

  /// Records of older requests than these are not believed to come.
  static constexpr std::size_t kMostRemembered = 16;

  void registered(proto::FunctionFacts function) { function_ = std::move(function); }

  /// What the process before has kept.
  void recovered(const KeptInvoke& left);

  /// `telemetry`: a runtimeDone may be hoped for.
  void invoke(const proto::InvokeEvent& event, bool telemetry, WallTime now);

  /// What an SDK said of the invoke that came last; the latest trace counts.
  void traced(proto::TraceFacts trace);

  void heard(const proto::TelemetryRecord& record, WallTime now);

  /// Without `telemetry` nothing is pending any more.
  void shutdown(const proto::ShutdownEvent& event, bool telemetry, WallTime now);

  /// A failure waits for its details, or a SHUTDOWN before any INVOKE for news of a failed init.
  [[nodiscard]] bool pending() const;

  /// What is complete, the oldest first, each once. To be asked after each of the above.
  [[nodiscard]] std::vector<proto::FailureFacts> take();

  /// The same with what still waits.
  [[nodiscard]] std::vector<proto::FailureFacts> take_all();

  /// What the next process would have to know now: of the last invoke, or what was recovered.
  [[nodiscard]] std::optional<KeptInvoke> kept() const;

 private:
  enum class Origin { invoke, earlier_process, telemetry, init };
  enum class State {
    open,
    ended,      ///< well, or in a way that is nobody's failure
    suspected,  ///< of having failed, until its runtimeDone or report says that it ended well
    failed,
    reported,
  };

  struct Watched {
    Origin origin = Origin::invoke;
    State state = State::open;
    bool complete = false;  ///< waits for nothing
    bool telemetry = false;
    std::optional<WallTime> deadline;
    std::string status;
    std::optional<WallTime> done_said;    ///< the time of its runtimeDone
    std::optional<WallTime> report_said;  ///< the time of its report
    proto::FailureFacts facts;            ///< kind and function are filled in when it is taken
  };

  using Said = std::optional<WallTime> Watched::*;

  Watched& add(Origin origin, std::string request_id);
  Watched& add(Origin origin, const KeptInvoke& invoke, Watched* early = nullptr);
  [[nodiscard]] Watched* overtaken(const std::string& request_id, WallTime now);
  [[nodiscard]] Watched* find(const proto::TelemetryRecord& record, Said said);
  [[nodiscard]] Watched* last_invoke();
  void heard_of_invoke(const proto::TelemetryRecord& record, Said said, WallTime now);
  void heard_of_init(const proto::TelemetryRecord& record, WallTime now);
  void blame_init(Watched* invoke, const proto::TelemetryRecord& record);
  [[nodiscard]] proto::FailureFacts facts_of(const Watched& watched) const;

  static bool is_waiting(const Watched& watched) {
    return watched.state == State::suspected || watched.state == State::failed;
  }

  static proto::FailureKind kind_of(const Watched& watched);
  static void fail(Watched& watched, const proto::TelemetryRecord& record, WallTime now);

  proto::FunctionFacts function_;
  std::deque<Watched> watched_;  ///< the oldest first
  std::uint64_t invokes_ = 0;
  bool init_ended_ = false;
  bool init_told_ = false;    ///< a failed one has been heard of
  bool init_failed_ = false;  ///< and none since then that went well
  bool expects_news_ = false;
  bool shut_down_ = false;
};

}  // namespace extension
