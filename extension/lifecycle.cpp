#include "extension/lifecycle.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "extension/ready_file.hpp"

namespace extension {
namespace {

using relay::LogLevel;
using relay::milliseconds;
using relay::SteadyTime;
using relay::WallTime;

// The subscription is worth no more of the cold start than this: without it the end of a function
// is guessed from its silence.
constexpr milliseconds kSubscribeLimit{50};
// After so many invokes in a row without a runtimeDone, none is hoped for any longer.
constexpr int kMissesUntilSilent = 3;
// An environment started for an invoke gets it at once.
constexpr milliseconds kInitPause{60'000};
// Where no runtimeDone is waited for, records may wait for company: to every subscriber that needs
// longer than the buffering the emulator of Managed Instances hands out no more invokes.
constexpr unsigned kLeisure = 1000;
// How the platform refuses a schema that it does not know.
constexpr unsigned kBadRequest = 400;
// What is left of a SHUTDOWN for the summary line and the exit.
constexpr milliseconds kExitMargin{100};

// What must not stop the next loop, whatever it throws.
template <class Step>
void guarded(relay::Log& log, Step&& step) {
  try {
    step();
  } catch (...) {
    survive(log);
  }
}

asio::awaitable<void> guarded_task(relay::Log& log, asio::awaitable<void> task) {
  try {
    co_await std::move(task);
  } catch (...) {
    survive(log);
  }
}

/// A relay that has started over has counted less than before.
relay::Flow since(const relay::Flow& before, const relay::Flow& now) {
  const bool anew = now.accepted < before.accepted || now.delivered < before.delivered;
  if (anew) return now;
  return {now.accepted - before.accepted, now.urgent - before.urgent,
          now.delivered - before.delivered};
}

}  // namespace

Lifecycle::Lifecycle(const asio::any_io_executor& executor, Platform platform, RelayPort& relay,
                     FailureReports& failures, HostStats& stats, LifecycleSettings settings)
    : platform_(platform),
      clock_(platform.clock),
      log_(platform.log),
      relay_(relay),
      failures_(failures),
      stats_(stats),
      settings_(std::move(settings)),
      telemetry_(stats.holds, stats.other_records),
      emf_(settings_.emf, settings_.function_name, clock_.wall_now()),
      heard_(executor),
      terminated_(executor) {
  stats_.pace = to_string(settings_.pace.pace);
  platform_.api.on_asked([this] {
    if (!first_asked_) guarded(log_, [this] { first_next_asked(); });
  });
}

// Until then the cold start waits for us: nothing leaves and no file is read.
void Lifecycle::first_next_asked() {
  first_asked_ = clock_.wall_now();
  relay_.set_gate(freezes() ? relay::Gate::early : relay::Gate::open);
  guarded(log_, [this] { failures_.first_next_asked(); });
  relay_.recover();
}

asio::awaitable<void> Lifecycle::run(std::string telemetry_uri) {
  using asio::experimental::awaitable_operators::operator||;
  auto first = co_await (until_shutdown(std::move(telemetry_uri)) || terminated_.wait());
  if (first.index() == 1) {
    guarded(log_, [&] { relay_.set_gate(relay::Gate::draining); });
    co_await drain(clock_.now() + kSigtermDrain, false);
    co_return;
  }
  const End& end = std::get<0>(first);
  if (end.failure) std::rethrow_exception(end.failure);
  // Nothing that is there already waits for what may come.
  guarded(log_, [&] { relay_.set_gate(relay::Gate::draining); });
  const auto deadline =
      shutdown_deadline(end.shutdown.deadline, clock_.wall_now(), clock_.now()) - kExitMargin;
  co_await guarded_task(log_, report_failures(end.shutdown, deadline));
  // Behind a spindown the sandbox goes with everything in it; but a failed init ends as one, too,
  // and is tried again in the same sandbox (AWS docs, "Understanding the Lambda execution
  // environment lifecycle"). A Managed Instance is replaced, whatever ends it.
  const bool spindown = end.shutdown.reason == proto::ShutdownReason::spindown;
  co_await drain(deadline, managed_ || (spindown && stats_.invokes > 0));
}

// live() with its exception as a value: thrown, it would leave run() waiting for SIGTERM.
asio::awaitable<Lifecycle::End> Lifecycle::until_shutdown(std::string telemetry_uri) {
  try {
    auto shutdown = co_await live(std::move(telemetry_uri));
    co_return End{std::move(shutdown), nullptr};
  } catch (...) {
    co_return End{{}, std::current_exception()};
  }
}

asio::awaitable<proto::ShutdownEvent> Lifecycle::live(std::string telemetry_uri) {
  guarded(log_, [this] { open_port(); });
  const Registered granted = co_await register_for_ever(platform_);
  guarded(log_, [&] { failures_.registered(granted.registration); });
  managed_ = granted.events == Events::shutdown_only;
  if (managed_) {
    settings_.pace.pace = Pace::continuous;
    stats_.pace = to_string(Pace::continuous);
  }
  co_await guarded_task(log_, subscribe(std::move(telemetry_uri)));

  for (;;) {
    auto event = co_await next_event(platform_);
    guarded(log_, [&] { relay_.thawed(); });
    if (auto* shutdown = std::get_if<proto::ShutdownEvent>(&event)) co_return std::move(*shutdown);
    guarded(log_, [&] { begin(std::move(std::get<proto::InvokeEvent>(event))); });
    co_await guarded_task(log_, hold());
    guarded(log_, [&] { close_invoke(); });
    guarded(log_, [&] { relay_.set_gate(freezes() ? relay::Gate::late : relay::Gate::open); });
  }
}

void Lifecycle::open_port() {
  relay_.bind();
  relay_.start();
  write_ready();
}

void Lifecycle::write_ready() {
  if (relay_.port() == 0 || relay_.port() == announced_port_) return;
  announced_port_ = relay_.port();
  const auto failed = write_ready_file(settings_.spool_dir, announced_port_);
  if (!failed) return;
  log_.once(
      "ready file", LogLevel::warn,
      "cannot write " + settings_.spool_dir + "/ready (" + failed.message() +
          "): a function started by thaw-exec goes to Sentry directly; THAW_SPOOL_DIR must name a "
          "folder below /tmp");
}

asio::awaitable<void> Lifecycle::subscribe(std::string uri) {
  if (uri.empty()) co_return;
  const auto deadline = clock_.now() + kSubscribeLimit;
  proto::TelemetrySubscription wanted;
  wanted.uri = std::move(uri);
  wanted.function_logs = settings_.function_logs;
  if (managed_) wanted.buffer_ms = kLeisure;
  for (const auto schema : proto::kTelemetrySchemas) {
    wanted.schema = schema;
    const auto reply = co_await platform_.api.subscribe_telemetry(wanted, deadline);
    if (!reply) {
      stats_.telemetry = TelemetryState::unanswered;
      co_return;
    }
    const auto* refused = std::get_if<Refused>(&*reply);
    stats_.telemetry = refused == nullptr ? TelemetryState::on : TelemetryState::refused;
    if (refused == nullptr || refused->status != kBadRequest) co_return;
  }
}

void Lifecycle::begin(proto::InvokeEvent event) {
  log_.invoke_begins();
  // Once, whatever comes of it: at the second INVOKE there is more to lose than a snapshot.
  if (stats_.invokes++ == 0 && is_copy()) guarded(log_, [&] { start_over(); });
  guarded(log_, [&] { failures_.invoke(event, has_telemetry()); });
  const WallTime now = clock_.wall_now();
  if (emf_.due(now)) guarded(log_, [&] { say_metrics(); });
  const relay::Flow flow = relay_.flow();
  rhythm_.invoked(now, flow.urgent != std::exchange(at_invoke_, flow).urgent);

  const SteadyTime begun = clock_.now();
  InvokeState invoke;
  invoke.mode = mode_of(settings_.pace, rhythm_);
  invoke.begun = begun;
  invoke.deadline = invoke_deadline(event.deadline, now, begun);
  open_ = invoke;
  held_for_ = HeldFor::nothing;
  telemetry_.begin(std::move(event.request_id), {now, begun});

  relay_.expect_soon(rhythm_.soon(settings_.pace.soon));
  relay_.set_gate(open_->mode == Mode::overlap ? relay::Gate::carried : relay::Gate::open);
  relay_.retry();
  write_ready();
}

// A snapshot's copies all wake up with what this process had in memory (AWS docs, "Improving
// startup performance with Lambda SnapStart"). Where the platform does not say how it has started
// us, a long pause between init and the first invoke is taken for one. What was started behind an
// INVOKE, by a reset, is in no snapshot, whatever the environment once was.
bool Lifecycle::is_copy() const {
  if (failures_.behind_an_invoke()) return false;
  if (restored_ || settings_.init_type == "snap-start") return true;
  return settings_.init_type.empty() && relay::age(*first_asked_, clock_.wall_now()) > kInitPause;
}

void Lifecycle::start_over() {
  const std::size_t dropped = relay_.start_over();
  if (dropped == 0) return;
  log_.once("snapshot", LogLevel::warn,
            std::to_string(dropped) +
                " envelopes that could not be sent before the snapshot are dropped: each copy of "
                "the environment would send them");
}

InvokeState Lifecycle::current() const {
  InvokeState state = *open_;
  state.telemetry = has_telemetry();
  state.started = telemetry_.started();
  state.runtime_done = telemetry_.ended();
  state.failed = telemetry_.failed();
  state.work = relay_.work();
  state.last_local_activity = relay_.last_local_activity();
  if (state.last_local_activity < state.begun) state.last_local_activity.reset();
  return state;
}

asio::awaitable<void> Lifecycle::hold() {
  using asio::experimental::awaitable_operators::operator||;
  while (open_) {
    const auto decision = decide(settings_.pace, current(), clock_.now());
    if (decision.action == Decision::Action::ask_next) co_return;
    held_for_ = decision.waits_for;
    relay_.closes_at(decision.closes);
    // Both sides end by themselves, so that one that fails does not leave the other waiting.
    co_await (relay_.changed_until(decision.until) || heard_.wait_until(clock_, decision.until));
  }
}

void Lifecycle::close_invoke() {
  if (!open_) return;
  if (missed_end(current())) missed_runtime_done();
  const relay::Flow flow = relay_.flow();
  telemetry_.asked({clock_.wall_now(), clock_.now()}, held_for_,
                   since(std::exchange(at_next_, flow), flow));
  open_.reset();
}

void Lifecycle::missed_runtime_done() {
  if (++misses_ < kMissesUntilSilent) return;
  stats_.telemetry = TelemetryState::silent;
  log_.once(
      "telemetry silent", LogLevel::warn,
      "no platform.runtimeDone came for three invokes in a row; from now on the end of a function "
      "is guessed from its silence (THAW_QUIET_MS)");
}

void Lifecycle::heard(const proto::TelemetryRecord& record, TelemetrySender sender) {
  // What decides on the next event comes from the platform alone. On Managed Instances nothing
  // does, and its emulator drops the path of the destination
  // (aws/aws-lambda-runtime-interface-emulator: internal/lambda-managed-instances/telemetry/).
  if (sender != TelemetrySender::platform && !managed_) {
    ++stats_.other_records;
    return;
  }
  guarded(log_, [&] { failures_.heard(record); });
  restored_ = restored_ || record.kind == proto::TelemetryKind::restore_start;
  // What begin() does where there is an INVOKE.
  const bool invoked = managed_ && record.kind == proto::TelemetryKind::start;
  if (invoked) guarded(log_, [&] { relay_.retry(); });
  // On Managed Instances nobody waits for it.
  if (!managed_) learn(telemetry_.heard(record, {clock_.wall_now(), clock_.now()}, kStartLimit));
  heard_.notify();
}

// What comes later than anybody would wait for it ends no silence.
void Lifecycle::learn(InvokeTelemetry::News news) {
  if (news != InvokeTelemetry::News::none) misses_ = 0;
  if (news == InvokeTelemetry::News::in_time) stats_.telemetry = TelemetryState::on;
}

void Lifecycle::say_metrics() {
  const relay::Snapshot snapshot = relay_.snapshot();
  const auto line = emf_.line(snapshot);
  if (!line || log_.verbatim(*line)) emf_.said(snapshot);
}

// The platform's last words on a failure come with the SHUTDOWN, or a little behind it.
asio::awaitable<void> Lifecycle::report_failures(proto::ShutdownEvent event,
                                                 relay::SteadyTime end) {
  failures_.shutdown(event, has_telemetry());
  const auto deadline = std::min(clock_.now() + kDetailsLimit, end);
  while (failures_.pending() && clock_.now() < deadline) {
    co_await heard_.wait_until(clock_, deadline);
  }
  failures_.finish();
}

asio::awaitable<void> Lifecycle::drain(relay::SteadyTime deadline, bool last) {
  co_await guarded_task(log_, relay_.drain(deadline, last));
  if (emf_.wanted()) guarded(log_, [&] { say_metrics(); });
  guarded(log_, [&] {
    if (relay_.anything_to_say()) log_.summary(relay_.stats_json());
  });
  co_await guarded_task(log_, relay_.stop());
}

}  // namespace extension
