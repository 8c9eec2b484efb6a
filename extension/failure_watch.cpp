#include "extension/failure_watch.hpp"

#include <algorithm>
#include <chrono>
#include <ranges>
#include <utility>

#include "extension/failure_evidence.hpp"
#include "extension/invoke_telemetry.hpp"

namespace extension {
namespace {

using proto::FailureFacts;
using proto::FailureKind;
using proto::TelemetryKind;
using proto::TelemetryRecord;
using relay::WallTime;

WallTime said_at(const TelemetryRecord& record) { return record.time.value_or(WallTime{}); }

template <class T>
void fill(T& field, const T& value) {
  if (field == T{}) field = value;
}

void learn(FailureFacts& facts, const TelemetryRecord& record) {
  fill(facts.duration_ms, record.duration_ms);
  fill(facts.function.memory_mb, record.memory_mb);
  fill(facts.max_memory_mb, record.max_memory_mb);
  fill(facts.xray_trace, record.trace_id);
  fill(facts.phase, record.phase);
}

}  // namespace

FailureWatch::Watched& FailureWatch::add(Origin origin, std::string request_id) {
  if (watched_.size() == kMostRemembered) watched_.pop_front();
  Watched& watched = watched_.emplace_back();
  watched.origin = origin;
  watched.facts.request_id = std::move(request_id);
  return watched;
}

FailureWatch::Watched& FailureWatch::add(Origin origin, const KeptInvoke& invoke, Watched* early) {
  Watched& watched = early ? *early : add(origin, invoke.request_id);
  watched.origin = origin;
  watched.telemetry = invoke.telemetry;
  watched.deadline = invoke.deadline;
  watched.facts.begun = invoke.begun;
  watched.facts.timeout = configured_timeout(invoke.begun, invoke.deadline);
  watched.facts.function_arn = invoke.function_arn;
  watched.facts.xray_trace = invoke.xray_trace;
  watched.facts.cold = invoke.cold;
  return watched;
}

// A record that was heard before finds its invoke again; a new one the last attempt at the request
// that lacks it and had begun by then.
FailureWatch::Watched* FailureWatch::find(const TelemetryRecord& record, Said said) {
  const auto is_same = [&](const Watched& one) {
    return one.origin != Origin::init && one.facts.request_id == record.request_id;
  };
  for (Watched& one : watched_ | std::views::reverse) {
    if (is_same(one) && one.*said == said_at(record)) return &one;
  }
  for (Watched& one : watched_ | std::views::reverse) {
    if (!is_same(one) || one.*said) continue;
    const bool later =
        record.time && one.facts.begun.value_or(*record.time) > *record.time + kLateInvoke;
    if (!later) return &one;
  }
  return nullptr;
}

FailureWatch::Watched* FailureWatch::last_invoke() {
  for (Watched& one : watched_ | std::views::reverse) {
    if (one.origin == Origin::invoke) return &one;
  }
  return nullptr;
}

// An INVOKE whose end was heard of first.
FailureWatch::Watched* FailureWatch::overtaken(const std::string& request_id, WallTime now) {
  for (Watched& one : watched_ | std::views::reverse) {
    if (one.origin != Origin::telemetry || one.facts.request_id != request_id) continue;
    const auto& said = one.done_said ? one.done_said : one.report_said;
    if (said && *said + kLateInvoke >= now) return &one;
  }
  return nullptr;
}

void FailureWatch::recovered(const KeptInvoke& left) {
  Watched& watched = add(Origin::earlier_process, left);
  watched.facts.at = left.begun;
  if (left.reported) {
    watched.state = State::reported;
  } else {
    watched.state = left.ended || !left.telemetry ? State::ended : State::suspected;
  }
}

void FailureWatch::invoke(const proto::InvokeEvent& event, bool telemetry, WallTime now) {
  const Watched* const last = last_invoke();
  const bool again = last && event.deadline && last->deadline == event.deadline &&
                     last->facts.request_id == event.request_id;
  if (again) return;
  Watched* const early = overtaken(event.request_id, now);
  for (Watched& one : watched_) one.complete = one.complete || &one != early;
  const bool cold = invokes_++ == 0;
  add(Origin::invoke,
      {event.request_id, event.deadline, event.invoked_function_arn, event.trace_id, now, cold,
       telemetry},
      early);
}

void FailureWatch::traced(proto::TraceFacts trace) {
  Watched* const last = last_invoke();
  if (!last || (trace.trace_id.empty() && !last->facts.trace.trace_id.empty())) return;
  last->facts.trace = std::move(trace);
}

void FailureWatch::heard(const TelemetryRecord& record, WallTime now) {
  switch (record.kind) {
    case TelemetryKind::runtime_done:
      return heard_of_invoke(record, &Watched::done_said, now);
    case TelemetryKind::report:
      return heard_of_invoke(record, &Watched::report_said, now);
    case TelemetryKind::init_runtime_done:
    case TelemetryKind::init_report:
    case TelemetryKind::restore_runtime_done:
      return heard_of_init(record, now);
    case TelemetryKind::start:
    case TelemetryKind::restore_start:
    case TelemetryKind::logs_dropped:
    case TelemetryKind::function_log:
    case TelemetryKind::other:
      return;
  }
}

void FailureWatch::heard_of_invoke(const TelemetryRecord& record, Said said, WallTime now) {
  Watched* invoke = find(record, said);
  const bool failed = record.kind == TelemetryKind::report
                          ? is_failed_report(record.status, record.error_type)
                          : is_failure(record.status, record.error_type);
  if (failed && init_failed_) return blame_init(invoke, record);
  // Of a good end that no INVOKE can follow nothing needs to be known.
  if (!failed && !invoke && record.kind != TelemetryKind::runtime_done) return;
  // Of a Managed Instance, or an INVOKE that will reach us later, or never.
  if (!invoke) invoke = &add(Origin::telemetry, record.request_id);
  invoke->*said = said_at(record);
  learn(invoke->facts, record);
  if (failed) {
    expects_news_ = false;
    fail(*invoke, record, now);
  } else if (invoke->state == State::open || invoke->state == State::suspected) {
    invoke->state = State::ended;
  }
  // No invoke ends well behind an init that failed: that was an earlier process's.
  if (invoke->origin == Origin::invoke && record.status == "success") init_failed_ = false;
  if (record.kind == TelemetryKind::report) invoke->complete = true;
}

void FailureWatch::heard_of_init(const TelemetryRecord& record, WallTime now) {
  if (!record.initialization_type.empty()) {
    function_.initialization_type = record.initialization_type;
  }
  init_ended_ = true;
  expects_news_ = false;
  if (is_failure(record.status, record.error_type)) {
    if (!init_told_) fail(add(Origin::init, ""), record, now);
    init_told_ = init_failed_ = true;
  } else if (record.status == "success") {
    // The one that failed was an earlier process's, told once more to this one.
    init_failed_ = false;
  }
  for (Watched& one : watched_) {
    if (one.origin != Origin::init) continue;
    learn(one.facts, record);
    const bool has_request = one.facts.phase == "invoke";
    if (record.kind == TelemetryKind::init_report && !has_request) one.complete = true;
  }
}

// An init within an invoke fails twice in the platform's words; it is one failure.
void FailureWatch::blame_init(Watched* invoke, const TelemetryRecord& record) {
  if (invoke && invoke->state == State::open) invoke->state = State::ended;
  for (Watched& one : watched_) {
    if (one.origin != Origin::init) continue;
    fill(one.facts.request_id, record.request_id);
    one.complete = true;
  }
}

void FailureWatch::fail(Watched& watched, const TelemetryRecord& record, WallTime now) {
  if (watched.state == State::ended || watched.state == State::reported) return;
  if (watched.state == State::open) {
    const bool sane = record.time && *record.time >= proto::kOldestSane;
    watched.facts.at = sane ? *record.time : now;
  }
  watched.state = State::failed;
  fill(watched.status, record.status);
  // The report may know what the runtimeDone took for any exit.
  if (is_out_of_memory(record.error_type)) watched.facts.error_type.clear();
  fill(watched.facts.error_type, record.error_type);
  const FailureKind kind = kind_of(watched);
  const bool resets = kind != FailureKind::response_too_large &&
                      (kind != FailureKind::failure || watched.facts.error_type.empty());
  if (!resets) watched.complete = true;
}

void FailureWatch::shutdown(const proto::ShutdownEvent& event, bool telemetry, WallTime now) {
  shut_down_ = true;
  Watched* const last = last_invoke();
  const bool failed = cause_of(event.reason_text) != ShutdownCause::none && !init_failed_;
  // A failed init ends at once, and is told of 25 ms later.
  expects_news_ = telemetry && invokes_ == 0 && (failed || !init_ended_);
  if (failed && last && last->state == State::open) {
    last->state = State::suspected;
    last->facts.at = now;
  }
  for (Watched& one : watched_) {
    if (!is_waiting(one)) continue;
    if (one.origin != Origin::earlier_process) one.facts.shutdown_reason = event.reason_text;
    if (!telemetry) one.complete = true;
  }
}

bool FailureWatch::pending() const {
  const auto lacks_details = [](const Watched& one) { return is_waiting(one) && !one.complete; };
  return expects_news_ || std::ranges::any_of(watched_, lacks_details);
}

std::vector<FailureFacts> FailureWatch::take() {
  std::vector<FailureFacts> taken;
  for (Watched& one : watched_) {
    if (!is_waiting(one) || !one.complete) continue;
    taken.push_back(facts_of(one));
    one.state = State::reported;
  }
  return taken;
}

std::vector<FailureFacts> FailureWatch::take_all() {
  expects_news_ = false;
  for (Watched& one : watched_) one.complete = true;
  return take();
}

FailureKind FailureWatch::kind_of(const Watched& watched) {
  const FailureFacts& facts = watched.facts;
  const bool full = facts.max_memory_mb && facts.function.memory_mb &&
                    *facts.max_memory_mb >= *facts.function.memory_mb;
  return extension::kind_of({watched.origin == Origin::init, watched.status, facts.error_type,
                             facts.shutdown_reason, full});
}

FailureFacts FailureWatch::facts_of(const Watched& watched) const {
  FailureFacts facts = watched.facts;
  facts.kind = kind_of(watched);
  const auto memory_mb = facts.function.memory_mb;
  facts.function = function_;
  if (memory_mb) facts.function.memory_mb = memory_mb;
  fill(facts.function.region, region_of(facts.function_arn));
  fill(facts.function.account_id, account_of(facts.function_arn));
  return facts;
}

std::optional<KeptInvoke> FailureWatch::kept() const {
  for (const Watched& one : watched_ | std::views::reverse) {
    if (one.origin != Origin::invoke && one.origin != Origin::earlier_process) continue;
    const FailureFacts& facts = one.facts;
    return KeptInvoke{facts.request_id,
                      one.deadline,
                      facts.function_arn,
                      facts.xray_trace,
                      facts.begun.value_or(WallTime{}),
                      facts.cold.value_or(false),
                      one.telemetry,
                      one.state == State::ended || (shut_down_ && one.state == State::open),
                      one.state == State::reported};
  }
  return std::nullopt;
}

}  // namespace extension
