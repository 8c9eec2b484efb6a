// What the platform's telemetry tells of the invoke that is open: that it has started, and when its
// function ended. Pure. The words come in any order: twice, before INVOKE, after next was asked
// for, or of an earlier attempt at the same request.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "extension/holds.hpp"
#include "proto/telemetry.hpp"
#include "relay/clock.hpp"
#include "relay/relay.hpp"

namespace extension {

/// INVOKE may come so much later than what is told of it. What is older is of an earlier attempt at
/// the same request: the first retry follows after a minute (AWS docs, "How Lambda handles errors
/// and retries with asynchronous invocation"; checked 2026-11).
inline constexpr std::chrono::seconds kLateInvoke{1};

class InvokeTelemetry {
 public:
  /// Now, by both clocks.
  struct Moment {
    relay::WallTime wall;
    relay::SteadyTime steady;
  };

  /// `others` counts records of no invoke that waits for one. Both outlive this.
  InvokeTelemetry(Holds& holds, std::uint64_t& others) : holds_(holds), others_(others) {}

  /// INVOKE has come.
  void begin(std::string request_id, Moment now);

  /// An end that was told.
  enum class News {
    none,
    too_late,  ///< but nobody has missed it: next had been asked for before
    in_time,   ///< of the open invoke, or less than `limit` ago
  };

  News heard(const proto::TelemetryRecord& record, Moment now, relay::milliseconds limit);

  /// Next is asked for: the invoke is closed, and its hold counted. `flow`: what has come and gone
  /// since it was asked for the last time.
  void asked(Moment now, HeldFor what, const relay::Flow& flow);

  /// platform.start of the open invoke came.
  [[nodiscard]] bool started() const { return open_ && open_->started; }

  /// When its function ended, as platform.runtimeDone told.
  [[nodiscard]] std::optional<relay::SteadyTime> ended() const {
    return open_ ? open_->ended : std::nullopt;
  }

  /// It did not end well: the environment is reset.
  [[nodiscard]] bool failed() const { return open_ && open_->failed; }

 private:
  struct Open {
    std::string request_id;
    Moment begun;
    bool started = false;
    std::optional<relay::SteadyTime> ended{};
    bool failed = false;
  };

  [[nodiscard]] bool is_open(const proto::TelemetryRecord& record) const;
  void apply(const proto::TelemetryRecord& record, Moment now);
  void keep(const proto::TelemetryRecord& record);

  Holds& holds_;
  std::uint64_t& others_;
  std::optional<Open> open_;
  std::vector<proto::TelemetryRecord> early_;  ///< of the invoke that comes next, perhaps
};

}  // namespace extension
