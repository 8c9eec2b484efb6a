#include "relay/relay.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proto/printable.hpp"
#include "proto/url_text.hpp"
#include "relay/capture_json.hpp"
#include "relay/capture_page.hpp"
#include "relay/delivery.hpp"
#include "relay/intake.hpp"
#include "relay/listener.hpp"
#include "relay/metrics.hpp"
#include "relay/origin.hpp"
#include "relay/page.hpp"
#include "relay/snapshot.hpp"
#include "relay/stats_json.hpp"
#include "relay/tunnel.hpp"

namespace relay {
namespace {

std::string_view without_port(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, std::min(host.find(']') + 1, host.size()));
  return host.substr(0, host.find(':'));
}

bool is_health_path(std::string_view path) {
  return path == "/health" || path.starts_with("/api/relay/healthcheck/live") ||
         path.starts_with("/api/relay/healthcheck/ready");
}

std::string name_of(const Endpoint& endpoint) {
  return (endpoint.tls ? "https://" : "http://") +
         proto::to_authority(endpoint.host, endpoint.port);
}

std::vector<HostState> host_states(const Destinations& destinations, WallTime now) {
  std::vector<HostState> states;
  for (const auto& host : destinations.hosts()) {
    states.push_back({name_of(host->endpoint), host->breaker.open(), host->breaker.until_probe(now),
                      host->in_flight, host->usual});
  }
  return states;
}

std::vector<LimitInForce> limits_in_force(const Destinations& destinations, WallTime now) {
  std::vector<LimitInForce> limits;
  for (const auto& destination : destinations.all()) {
    const auto add = [&](std::string_view category, std::chrono::seconds left) {
      if (left.count() == 0) return;
      limits.push_back({to_public_string(destination->route.dsn), std::string(category), left});
    };
    add("", destination->limits.left(now));
    for (const auto category : proto::all_categories()) {
      add(proto::name(category), destination->limits.left(category, now));
    }
  }
  return limits;
}

}  // namespace

struct Relay::Parts {
  Parts(asio::any_io_executor executor_in, Clock& clock_in, Log& log_in, Upstream& upstream_in,
        Journal& journal_in, Settings settings, std::uint64_t (*random)());

  /// Until the next one is asked for.
  const Call& call_of(const LocalRequest& request);
  [[nodiscard]] bool ready(LocalRequest& request);
  Answer answer(LocalRequest&& request);
  Answer answer_same(LocalRequest&& request, const Call& call);
  void say_refused(const Answer& answer);
  Answer view(const Call& call) const;
  [[nodiscard]] Snapshot snapshot() const;
  [[nodiscard]] Work work() const;
  Listener::Hooks hooks();
  asio::awaitable<void> recover();
  void failed(std::string_view what, const std::exception_ptr& failure);

  Clock& clock;
  Log& log;
  Stats stats;
  Journal& journal;
  Upstream& upstream;
  Backlog backlog;
  Destinations destinations;
  Wakeup changed;
  Delivery delivery;
  Intake intake;
  std::optional<Call> last_call;
  OriginSettings origins;
  Listener listener;
  TaskGroup tasks;
  bool recovering = false;
  WallTime started;
  std::function<HostFigures()> host_figures;
  const Capture* capture = nullptr;
};

Relay::Parts::Parts(asio::any_io_executor executor, Clock& clock_in, Log& log_in,
                    Upstream& upstream_in, Journal& journal_in, Settings settings,
                    std::uint64_t (*random)())
    : clock(clock_in),
      log(log_in),
      journal(journal_in),
      upstream(upstream_in),
      backlog(settings.backlog, journal, stats),
      destinations(settings.route.max_dsns, settings.delivery.compression,
                   settings.delivery.breaker_failures, settings.route.configured),
      changed(executor),
      delivery(executor, settings.delivery,
               {clock, log, upstream, backlog, destinations, stats, changed, random}),
      intake(settings.intake, settings.route,
             {clock, backlog, destinations, stats, [this] { return listener.port(); },
              [this] { return delivery.awake(); }, [this] { delivery.accepted(); }, random}),
      origins(std::move(settings.origins)),
      listener(executor, clock, log, settings.listener, hooks()),
      tasks(executor, [this](std::exception_ptr failure) { failed("sending", failure); }),
      started(clock.wall_now()) {}

void Relay::Parts::failed(std::string_view what, const std::exception_ptr& failure) {
  ++stats.task_failures;
  log.once(what, LogLevel::error, std::string(what) + " failed: " + describe(failure));
}

asio::awaitable<void> Relay::Parts::recover() {
  const auto found = [this](JournalId kept, Record record) {
    intake.recover(kept, std::move(record));
  };
  recovering = true;
  std::exception_ptr failure;
  try {
    while (journal.recover_some(found)) co_await asio::post(asio::use_awaitable);
  } catch (...) {
    failure = std::current_exception();
  }
  // Whatever it threw, the next retry() goes on.
  recovering = false;
  if (failure) std::rethrow_exception(failure);
  const auto strange = stats.ledger.dropped(DropReason::not_allowed).total();
  if (strange == 0) co_return;
  log.once("not allowed", LogLevel::warn,
           "dropped " + std::to_string(strange) +
               " items that an earlier process has left for a DSN which the settings no longer "
               "allow; set THAW_UPSTREAM_DSN as it was before more of them are lost");
}

Listener::Hooks Relay::Parts::hooks() {
  Listener::Hooks hooks;
  hooks.ready = [this](LocalRequest& request) { return ready(request); };
  hooks.answer = [this](LocalRequest&& request) { return answer(std::move(request)); };
  hooks.first_byte = [this] { delivery.expect_one(); };
  hooks.unanswerable = [this](RejectReason reason) { stats.ledger.reject(reason); };
  hooks.changed = [this] { changed.notify(); };
  hooks.failed = [this](std::exception_ptr failure) { failed("a local connection", failure); };
  return hooks;
}

const Call& Relay::Parts::call_of(const LocalRequest& request) {
  if (!last_call || last_call->header != request.header) last_call.emplace(request.header);
  return *last_call;
}

/// Only what intake will take is worth its turns.
bool Relay::Parts::ready(LocalRequest& request) {
  if (!intake.takes_turns(request)) return true;
  if (!request.begun) request.begun = clock.now();
  const Call& call = call_of(request);
  const bool taken =
      call.is_for_sentry() && judge_origin(origins, call.header->origin) != OriginVerdict::foreign;
  return !taken || intake.ready(request, call);
}

Answer Relay::Parts::answer(LocalRequest&& request) {
  const Call& call = call_of(request);
  const std::string& origin = call.header->origin;
  const auto verdict = judge_origin(origins, origin);
  if (verdict == OriginVerdict::same) return answer_same(std::move(request), call);
  if (verdict == OriginVerdict::foreign) {
    Answer refused = refuse_origin();
    if (call.endpoint) {
      stats.ledger.reject(RejectReason::not_allowed);
      say_refused(refused);
    }
    return refused;
  }
  // What people look at is for no page of another site.
  if (!call.endpoint) return answer_same(std::move(request), call);
  if (call.header->method == "OPTIONS") return preflight_answer(origin);
  return readable_by(origin, answer_same(std::move(request), call));
}

/// Whoever watches what is captured looks for what is not, too.
void Relay::Parts::say_refused(const Answer& answer) {
  if (capture == nullptr || answer.status < 400) return;
  const std::string why =
      answer.body.empty() ? answer.why.message() : proto::printable(answer.body);
  log.line(LogLevel::warn, "answered " + std::to_string(answer.status) + ": " + why);
}

Answer Relay::Parts::answer_same(LocalRequest&& request, const Call& call) {
  if (call.is_for_sentry()) {
    const SteadyTime begun = request.begun.value_or(clock.now());
    Answer verdict = intake.take(std::move(request), call);
    stats.accept_time.add(clock.now() - begun);
    say_refused(verdict);
    return verdict;
  }
  if (call.endpoint) {
    if (call.endpoint->kind == proto::EndpointKind::tunnel) return tunnel_not_found();
    Answer refused = error_answer(405, "what is for Sentry is sent with POST");
    refused.headers = "Allow: POST\r\n";
    return refused;
  }
  if (call.header->method == "GET") return view(call);
  return error_answer(
      404, "no such path here: SDKs post to /api/{project}/envelope/, people GET /stats");
}

Answer Relay::Parts::view(const Call& call) const {
  const std::string_view path = call.path;
  if (is_health_path(path)) return {200, R"({"is_healthy":true})"};
  const bool captured = capture != nullptr && path.starts_with("/captured");
  if (path != "/" && path != "/stats" && path != "/metrics" && !captured) {
    return error_answer(404, "no such page: try /, /stats or /metrics");
  }
  // A browser led here by a foreign name must not read it (DNS rebinding).
  if (!is_loopback_name(without_port(call.header->host))) {
    return error_answer(403, "only for localhost");
  }
  if (captured) return captured_answer(*capture, path, call.query);
  if (path == "/") {
    const std::string section = capture != nullptr ? captured_section(*capture) : "";
    return {200, to_page(snapshot(), section), kHtmlType, page_headers()};
  }
  if (path == "/metrics") return {200, to_openmetrics(snapshot()), kOpenMetricsType};
  return {200, to_json(snapshot())};
}

Snapshot Relay::Parts::snapshot() const {
  Snapshot now;
  now.stats = stats;
  now.started = started;
  now.now = clock.wall_now();
  now.waiting = backlog.waiting();
  now.envelopes_waiting = backlog.size();
  now.bytes_waiting = backlog.bytes();
  if (const auto oldest = backlog.oldest()) now.oldest_waiting = age(*oldest, now.now);
  now.local_connections = listener.clients();
  now.work = work();
  now.journal = journal.figures();
  now.connections = upstream.stats();
  now.log_lines_dropped = log.dropped();
  now.hosts = host_states(destinations, now.now);
  now.limits = limits_in_force(destinations, now.now);
  if (host_figures) now.host = host_figures();
  return now;
}

Work Relay::Parts::work() const {
  Work work = delivery.work();
  work.receiving = listener.receiving();
  return work;
}

Relay::Relay(asio::any_io_executor executor, Clock& clock, Log& log, Upstream& upstream,
             Journal& journal, Settings settings, std::uint64_t (*random)())
    : parts_(std::make_unique<Parts>(std::move(executor), clock, log, upstream, journal,
                                     std::move(settings), random)) {}

Relay::~Relay() = default;

std::uint16_t Relay::bind() { return parts_->listener.bind(); }

void Relay::retry() {
  parts_->listener.retry_bind();
  parts_->journal.retry();
  // Who held the journal may be gone now.
  if (!parts_->recovering && !parts_->journal.figures().all_recovered) recover();
}

std::uint16_t Relay::port() const { return parts_->listener.port(); }

void Relay::start() {
  parts_->listener.start();
  parts_->tasks.spawn(keep_running(
      parts_->clock, [this](std::exception_ptr failure) { parts_->failed("sending", failure); },
      [this] { return parts_->delivery.run(); }));
}

void Relay::recover() { parts_->tasks.spawn(parts_->recover()); }

bool Relay::take_own(std::string_view envelope) {
  auto parsed = proto::Envelope::parse(proto::Bytes::copy_of(envelope));
  return parsed && parts_->intake.take_own(std::move(*parsed));
}

std::string_view Relay::last_client() const { return parts_->intake.last_client(); }

std::string Relay::take_last_header() { return parts_->intake.take_last_header(); }

void Relay::set_gate(Gate gate) { parts_->delivery.set_gate(gate); }

void Relay::closes_at(SteadyTime time) { parts_->delivery.closes_at(time); }

void Relay::expect_soon(bool soon) { parts_->delivery.expect_soon(soon); }

std::size_t Relay::start_over() {
  const std::size_t waited = parts_->backlog.size();
  const proto::CategoryCounts items = parts_->backlog.waiting();
  parts_->backlog.drop_all(DropReason::snapshot);
  // Accepted by another process, as it were.
  Stats& stats = parts_->stats;
  stats = {};
  stats.envelopes_recovered = stats.envelopes_lost = waited;
  stats.ledger.recover(items);
  stats.ledger.drop(DropReason::snapshot, items);
  parts_->destinations.forget();
  parts_->upstream.forget();
  parts_->started = parts_->clock.wall_now();
  return waited;
}

void Relay::thawed() {
  parts_->upstream.forget_names();
  parts_->delivery.thawed();
}

Work Relay::work() const { return parts_->work(); }

std::optional<SteadyTime> Relay::last_local_activity() const {
  return parts_->listener.last_activity();
}

Flow Relay::flow() const {
  const Stats& stats = parts_->stats;
  return {stats.envelopes_accepted, stats.urgent_accepted, stats.envelopes_delivered};
}

asio::awaitable<void> Relay::changed_until(SteadyTime deadline) {
  return parts_->changed.wait_until(parts_->clock, deadline);
}

asio::awaitable<void> Relay::drain(SteadyTime deadline, bool last) {
  parts_->delivery.set_gate(Gate::draining);
  while (parts_->clock.now() < deadline) {
    const bool under_way = parts_->listener.receiving() > 0 || parts_->delivery.sends();
    if (!under_way && parts_->delivery.hopeless()) break;
    co_await parts_->changed.wait_until(parts_->clock, deadline);
  }
  parts_->intake.close();
  parts_->delivery.stop();
  co_await parts_->delivery.join();
  if (last) {
    parts_->backlog.drop_all(DropReason::network_error);
  } else {
    parts_->backlog.drop_unkept(DropReason::network_error);
  }
  co_await parts_->delivery.report_losses(deadline);
}

asio::awaitable<void> Relay::stop() {
  parts_->listener.close();
  parts_->listener.stop();
  parts_->delivery.stop();
  parts_->tasks.stop();
  co_await parts_->listener.join();
  co_await parts_->delivery.join();
  co_await parts_->tasks.join();
}

void Relay::set_host_figures(std::function<HostFigures()> figures) {
  parts_->host_figures = std::move(figures);
}

Snapshot Relay::snapshot() const { return parts_->snapshot(); }

void Relay::show(const Capture& capture) { parts_->capture = &capture; }

std::string Relay::stats_json() const { return to_json(parts_->snapshot()); }

bool Relay::anything_to_say() const {
  const Stats& stats = parts_->stats;
  return stats.envelopes_accepted + stats.envelopes_recovered + stats.ledger.rejected() +
             stats.task_failures >
         0;
}

}  // namespace relay
