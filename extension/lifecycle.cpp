#include "extension/lifecycle.hpp"

#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "extension/ready_file.hpp"

namespace extension {
namespace {

using relay::LogLevel;
using relay::milliseconds;

// The subscription is worth no more of the cold start than this: without it the end of a function
// is guessed from its silence.
constexpr milliseconds kSubscribeLimit{50};
// After so many invokes in a row without a runtimeDone, none is hoped for any longer.
constexpr int kMissesUntilSilent = 3;
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

}  // namespace

Lifecycle::Lifecycle(const asio::any_io_executor& executor, Platform platform, RelayPort& relay,
                     HostStats& stats, LifecycleSettings settings)
    : platform_(platform),
      clock_(platform.clock),
      log_(platform.log),
      relay_(relay),
      stats_(stats),
      settings_(std::move(settings)),
      heard_(executor),
      terminated_(executor) {
  stats_.pace = to_string(settings_.pace.pace);
  platform_.api.on_asked([this] { guarded(log_, [this] { next_asked(); }); });
}

// Until then the cold start waits for us: nothing leaves and no file is read.
void Lifecycle::next_asked() {
  if (std::exchange(asked_, true)) return;
  relay_.set_gate(freezes() ? relay::Gate::early : relay::Gate::open);
  relay_.recover();
}

asio::awaitable<void> Lifecycle::run(std::string telemetry_uri) {
  using asio::experimental::awaitable_operators::operator||;
  auto first = co_await (until_shutdown(std::move(telemetry_uri)) || terminated_.wait());
  if (first.index() == 1) {
    co_await drain(clock_.now() + kSigtermDrain, false);
    co_return;
  }
  const End& end = std::get<0>(first);
  if (end.failure) std::rethrow_exception(end.failure);
  const auto deadline = shutdown_deadline(end.shutdown.deadline, clock_.wall_now(), clock_.now());
  // The sandbox goes with everything in it; but a failed init ends as a spindown, too, and is tried
  // again in the same one (AWS docs, "Understanding the Lambda execution environment lifecycle").
  const bool last = end.shutdown.reason == proto::ShutdownReason::spindown && stats_.invokes > 0;
  co_await drain(deadline - kExitMargin, last);
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
  events_ = co_await register_for_ever(platform_);
  if (events_ == Events::shutdown_only) {
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
    guarded(log_, [&] { ended(); });
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
  if (uri.empty() || events_ == Events::shutdown_only) co_return;
  const auto reply =
      co_await platform_.api.subscribe_telemetry(std::move(uri), clock_.now() + kSubscribeLimit);
  if (!reply) {
    stats_.telemetry = TelemetryState::unanswered;
  } else if (std::holds_alternative<Refused>(*reply)) {
    stats_.telemetry = TelemetryState::refused;
  } else {
    stats_.telemetry = TelemetryState::on;
  }
}

void Lifecycle::begin(proto::InvokeEvent event) {
  ++stats_.invokes;
  OpenInvoke invoke;
  invoke.request_id = std::move(event.request_id);
  invoke.state.begun = clock_.now();
  invoke.state.deadline = invoke_deadline(event.deadline, clock_.wall_now(), invoke.state.begun);
  open_ = std::move(invoke);

  log_.invoke_begins();
  relay_.set_gate(relay::Gate::open);
  relay_.retry();
  write_ready();
}

InvokeState Lifecycle::current() const {
  InvokeState state = open_->state;
  state.telemetry = stats_.telemetry == TelemetryState::on;
  state.work = relay_.work();
  state.last_local_activity = relay_.last_local_activity();
  if (state.last_local_activity < state.begun) state.last_local_activity.reset();
  return state;
}

asio::awaitable<void> Lifecycle::hold() {
  using asio::experimental::awaitable_operators::operator||;
  for (;;) {
    const auto decision = decide(settings_.pace, current(), clock_.now());
    if (decision.action == Decision::Action::ask_next) co_return;
    // Both sides end by themselves, so that one that fails does not leave the other waiting.
    co_await (relay_.changed_until(decision.until) || heard_.wait_until(clock_, decision.until));
  }
}

void Lifecycle::ended() {
  const auto& runtime_done = open_->state.runtime_done;
  if (!runtime_done) {
    ++stats_.unknown_ends;
    stats_.last_hold.reset();
    missed_runtime_done();
    return;
  }
  misses_ = 0;
  stats_.last_hold = std::chrono::duration_cast<milliseconds>(clock_.now() - *runtime_done);
  if (*stats_.last_hold > milliseconds{0}) ++stats_.holds;
  stats_.held += *stats_.last_hold;
}

void Lifecycle::missed_runtime_done() {
  // Where nothing is held, nothing was waited for either.
  if (settings_.pace.pace == Pace::continuous) return;
  if (stats_.telemetry != TelemetryState::on || ++misses_ < kMissesUntilSilent) return;
  stats_.telemetry = TelemetryState::silent;
  log_.once(
      "telemetry silent", LogLevel::warn,
      "no platform.runtimeDone came for three invokes in a row; from now on the end of a function "
      "is guessed from its silence (THAW_QUIET_MS)");
}

void Lifecycle::heard(const proto::TelemetryRecord& record) {
  if (record.kind != proto::TelemetryKind::runtime_done) return;
  if (!open_ || record.request_id != open_->request_id) {
    ++stats_.other_records;
    return;
  }
  misses_ = 0;
  stats_.telemetry = TelemetryState::on;
  if (!open_->state.runtime_done) open_->state.runtime_done = clock_.now();
  heard_.notify();
}

asio::awaitable<void> Lifecycle::drain(relay::SteadyTime deadline, bool last) {
  guarded(log_, [&] { relay_.set_gate(relay::Gate::draining); });
  co_await guarded_task(log_, relay_.drain(deadline, last));
  guarded(log_, [&] {
    if (relay_.anything_to_say()) log_.raw(relay_.stats_json());
  });
  co_await guarded_task(log_, relay_.stop());
}

}  // namespace extension
