#include "extension/failure_reports.hpp"

#include <utility>

#include "proto/trace_context.hpp"

namespace extension {
namespace {

constexpr std::string_view kSuccess = "success";

// An init has five; the rest would be of what came before it.
constexpr std::size_t kMostEarly = 16;

}  // namespace

FailureReports::FailureReports(Settings settings, Parts parts)
    : settings_(std::move(settings)),
      parts_(parts),
      function_log_(settings_.log_lines,
                    settings_.facts.initialization_type == proto::kManagedInstances),
      file_(parts.disk, settings_.folder) {}

void FailureReports::registered(const proto::Registration& registration) {
  proto::FunctionFacts& facts = settings_.facts;
  if (!registration.function_name.empty()) facts.name = registration.function_name;
  if (!registration.function_version.empty()) facts.version = registration.function_version;
  facts.account_id = registration.account_id;
  watch_.registered(facts);
}

void FailureReports::first_next_asked() {
  asked_ = true;
  if (!settings_.folder.empty()) kept_ = file_.recover();
  behind_an_invoke_ = kept_.has_value();
  if (!settings_.on) return;
  if (kept_) watch_.recovered(*kept_);
  for (const auto& record : std::exchange(early_, {})) judge(record);
}

void FailureReports::invoke(const proto::InvokeEvent& event, bool telemetry) {
  if (!settings_.on) {
    // One is enough to tell the next process what it is behind.
    if (kept_) return;
    watch_.invoke(event, telemetry, parts_.clock.wall_now());
    return keep();
  }
  // What the function sent in the invoke before says nothing of this one.
  (void)parts_.relay.take_last_header();
  watch_.invoke(event, telemetry, parts_.clock.wall_now());
  report(watch_.take());
  keep();
}

void FailureReports::heard(const proto::TelemetryRecord& record) {
  if (!settings_.on) return;
  function_log_.heard(record);
  if (record.kind == proto::TelemetryKind::function_log) return;
  if (!asked_) {
    const bool matters = record.kind != proto::TelemetryKind::other;
    if (matters && early_.size() < kMostEarly) early_.push_back(record);
    return;
  }
  judge(record);
}

void FailureReports::judge(const proto::TelemetryRecord& record) {
  if (!record.status.empty() && record.status != kSuccess) trace();
  watch_.heard(record, parts_.clock.wall_now());
  report(watch_.take());
  keep();
}

void FailureReports::shutdown(const proto::ShutdownEvent& event, bool telemetry) {
  if (!settings_.on) return;
  trace();
  watch_.shutdown(event, telemetry, parts_.clock.wall_now());
  report(watch_.take());
  keep();
}

void FailureReports::finish() {
  if (!settings_.on) return;
  report(watch_.take_all());
  keep();
}

void FailureReports::trace() {
  const std::string header = parts_.relay.take_last_header();
  if (!header.empty()) watch_.traced(proto::parse_trace_context(header));
}

void FailureReports::report(std::vector<proto::FailureFacts> failures) {
  for (auto& failure : failures) {
    // Not every SDK names itself in the header; in its auth all do.
    auto& platform = failure.trace.platform;
    if (platform.empty()) platform = proto::platform_of_sdk(parts_.relay.last_client());
    failure.log = function_log_.of(failure.request_id);
    const proto::EventBits bits{parts_.random(), parts_.random(), parts_.random()};
    const bool taken = parts_.relay.take_own(proto::encode_failure(failure, bits));
    ++(taken ? parts_.stats.failures_reported : parts_.stats.failures_unreported);
    if (taken) continue;
    parts_.log.once("failure event", relay::LogLevel::warn,
                    "a failure of the function could not be reported: no DSN is known yet (set "
                    "THAW_UPSTREAM_DSN), or there is no room (see rejected in /stats)");
  }
}

void FailureReports::keep() {
  if (settings_.folder.empty()) return;
  auto kept = watch_.kept();
  if (!kept || kept == kept_) return;
  kept_ = std::move(kept);
  const auto written = file_.keep(*kept_);
  if (written || !settings_.on) return;
  parts_.log.once("invoke file", relay::LogLevel::warn,
                  "cannot write " + settings_.folder + "/invoke (" + written.error().message() +
                      "): after a reset a failure may be reported twice, or not at all");
}

}  // namespace extension
