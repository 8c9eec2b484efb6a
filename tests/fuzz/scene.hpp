// A whole relay for one input: real sockets in front, an upstream behind that takes everything, a
// clock that stands still.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "proto/endpoint.hpp"
#include "relay/http_exchange.hpp"
#include "relay/relay.hpp"
#include "relay/snapshot.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/local_client.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scripted_upstream.hpp"

namespace fuzz {

class Scene {
 public:
  Scene(relay::Journal& journal, relay::Settings settings)
      : relay(io.get_executor(), clock, log, upstream, journal, with_one_dsn(std::move(settings)),
              [] { return std::uint64_t{0}; }) {
    relay.set_gate(relay::Gate::open);
    relay.start();
  }

  ~Scene() {
    support::run(io, stopped());
    support::settle(io);
    CHECK(upstream.hanging() == 0);
  }

  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  void advance(relay::milliseconds by) {
    clock.advance(by);
    support::settle(io);
  }

  /// Each item has had one fate, and nothing broke on the way.
  void check_accounts() const {
    const auto now = relay.snapshot();
    CHECK(now.stats.ledger.balances(now.waiting));
    CHECK(now.stats.task_failures == 0);
  }

  /// What left is HTTP, with one auth; an envelope among it is one.
  void check_sent() const {
    for (std::size_t i = 0; i < upstream.calls(); ++i) {
      const auto& call = upstream.call(i);
      CHECK_FALSE(relay::request_head(call.request).empty());
      const auto endpoint = proto::match_endpoint(call.request.target);
      // By its last segment alone it may be a monitor of that name.
      if (!endpoint || endpoint->kind != proto::EndpointKind::envelope) continue;
      CHECK(proto::Envelope::parse(proto::Bytes::copy_of(call.decoded())).has_value());
    }
  }

  /// Whatever came before: an honest envelope is answered, and delivered if it may be.
  void check_honest_request(bool delivered) {
    const std::size_t before = upstream.calls();
    support::LocalClient client(io, relay.port());
    client.send(support::post("/api/42/envelope/", "{}\n{\"type\":\"event\"}\n{}",
                              "X-Sentry-Auth: Sentry sentry_key=" + support::kKey + "\r\n"));
    CHECK(support::status_of(client.answer()) == "200");
    support::settle(io);
    client.reset();
    if (!delivered) return;
    REQUIRE(upstream.calls() == before + 1);
    CHECK(upstream.call(before).decoded().ends_with("\n{\"type\":\"event\"}\n{}"));
  }

  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  support::ScriptedUpstream upstream{io.get_executor()};
  relay::Relay relay;

 private:
  static relay::Settings with_one_dsn(relay::Settings settings) {
    settings.listener.port = 0;
    settings.route.configured = {support::dsn("https://" + support::kKey + "@up.example/42")};
    return settings;
  }

  boost::asio::awaitable<bool> stopped() {
    co_await relay.stop();
    co_return true;
  }
};

}  // namespace fuzz
