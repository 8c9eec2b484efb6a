#include "extension/commands/serve.hpp"

#include <cstdlib>
#include <exception>
#include <string>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <signal.h>

#include "extension/lifecycle.hpp"
#include "relay/task_group.hpp"

namespace extension {
namespace {

// What Lambda's INVOKEs are for: what could not be had, be it the port or the journal of a process
// that has not ended yet, is tried again.
constexpr relay::milliseconds kRetryEvery{5000};

std::uint64_t given_up(const relay::Snapshot& now) {
  return now.stats.ledger.dropped(relay::DropReason::network_error).total();
}

/// What was not delivered at the end, and what becomes of it. What still waits is in the journal.
void tell_left_behind(const relay::Snapshot& now, std::uint64_t lost, relay::Log& log) {
  if (now.envelopes_waiting > 0) {
    log.raw("thaw: " + std::to_string(now.envelopes_waiting) +
            " not delivered: kept in THAW_SPOOL_DIR, the next start sends them");
  }
  if (lost > 0) {
    log.raw("thaw: items lost, for they were not delivered and are in no journal: " +
            std::to_string(lost));
  }
}

asio::awaitable<void> signalled(asio::signal_set& signals) {
  boost::system::error_code ignored;
  co_await signals.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

asio::awaitable<void> retry_until_cancelled(RelayPort& relay, relay::Clock& clock) {
  const auto state = co_await asio::this_coro::cancellation_state;
  for (;;) {
    co_await clock.sleep_until(clock.now() + kRetryEvery);
    if (state.cancelled() != asio::cancellation_type::none) co_return;
    relay.retry();
  }
}

asio::awaitable<void> serve_until_stopped(asio::io_context& io, RelayPort& relay,
                                          relay::Clock& clock, relay::Log& log,
                                          const Sayings& sayings) {
  using asio::experimental::awaitable_operators::operator||;
  const auto port = relay.bind();
  relay.set_gate(relay::Gate::open);
  relay.start();
  relay.recover();
  if (port != 0) log.raw("thaw: serving http://127.0.0.1:" + std::to_string(port));
  if (port != 0 && sayings.at_start) log.raw(sayings.at_start(port));

  asio::signal_set stop(io, SIGTERM, SIGINT);
  co_await (signalled(stop) || retry_until_cancelled(relay, clock));

  const auto given_up_before = given_up(relay.snapshot());
  relay.set_gate(relay::Gate::draining);
  co_await relay.drain(clock.now() + kSigtermDrain, false);
  if (sayings.at_end) {
    log.raw(sayings.at_end());
  } else if (relay.anything_to_say()) {
    log.summary(relay.stats_json());
    const auto now = relay.snapshot();
    tell_left_behind(now, given_up(now) - given_up_before, log);
  }
  co_await relay.stop();
}

}  // namespace

std::string serve_greeting(const std::vector<proto::Dsn>& configured, std::uint16_t port) {
  const std::string here = "SENTRY_DSN=http://KEY@127.0.0.1:" + std::to_string(port) + "/";
  if (!configured.empty()) {
    return "thaw: for your SDK: " + here + std::to_string(configured.front().project_id) +
           ", with the KEY of the upstream DSN";
  }
  return "thaw: no upstream DSN is set (--upstream), so an SDK names its own: " + here +
         "o1.ingest.us.sentry.io/42";
}

void serve(asio::io_context& io, RelayPort& relay, relay::Clock& clock, relay::Log& log,
           const Sayings& sayings) {
  const auto on_end = [&](const std::exception_ptr& failure) {
    io.stop();
    if (!failure) return;
    log.line(relay::LogLevel::error, "stopped by an internal error: " + relay::describe(failure));
    // The relay still has tasks on `io`: it must not be taken down.
    std::_Exit(EXIT_FAILURE);
  };
  asio::co_spawn(io, serve_until_stopped(io, relay, clock, log, sayings), on_end);
  io.run();
}

}  // namespace extension
