// What may stand in a request's head, and which connection carries the next one.
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include "relay/errc.hpp"
#include "relay/http_exchange.hpp"
#include "tests/support/fake_name_server.hpp"
#include "tests/support/upstream_fixture.hpp"

namespace {

using relay::Errc;
using relay::milliseconds;
using support::Act;
using support::FakeUpstream;
using support::request_to;
using support::Sent;
using Then = Act::Then;

struct Fixture : support::UpstreamFixture {
  explicit Fixture(std::size_t idle = 16) : UpstreamFixture({.idle = idle}) {}

  FakeUpstream server{io};

  Sent send() { return UpstreamFixture::send(server.endpoint()); }

  Sent send(relay::HttpUpstream& by, const std::string& host) {
    const auto request = request_to(server.endpoint(host));
    return {support::run(io, by.send(request, progress))};
  }

  /// Two connections that are kept, one after the other, with what each does behind its answer.
  void keep_two(Then first, Then second) {
    server.script = {Act{.then = first}, Act{.then = second}};
    Sending one(*this, server.endpoint());
    Sending other(*this, server.endpoint());
    CHECK(one.status() == 200);
    CHECK(other.status() == 200);
    support::settle(io);
    CHECK(server.accepted == 2);
  }
};

struct TwoIdle : Fixture {
  TwoIdle() : Fixture(2) {}
};

}  // namespace

TEST_SUITE("relay/http_life") {
  TEST_CASE("no field of a request breaks out of its line, by whichever character") {
    using Request = relay::UpstreamRequest;
    const std::vector<std::function<void(Request&, const std::string&)>> fields{
        [](Request& to, const std::string& text) { to.method += text; },
        [](Request& to, const std::string& text) { to.target += text; },
        [](Request& to, const std::string& text) { to.endpoint.host += text; },
        [](Request& to, const std::string& text) { to.headers = {{"User" + text, "thaw"}}; },
        [](Request& to, const std::string& text) { to.headers = {{"User", "thaw" + text}}; }};
    for (const char evil : {'\r', '\n', '\0'}) {
      for (const auto& put : fields) {
        Request request = request_to({true, "up.example", 443, false});
        CHECK_FALSE(relay::request_head(request).empty());
        put(request, std::string(1, evil) + "x");
        CHECK(relay::request_head(request).empty());
      }
    }
    Request request = request_to({true, "up.example", 443, false});
    request.target.clear();
    CHECK(relay::request_head(request).empty());
  }

  TEST_CASE("only a GET without a body says nothing of its length") {
    for (const std::string method : {"GET", "POST"}) {
      for (const std::string_view body : {"", "body"}) {
        relay::UpstreamRequest request = request_to({true, "up.example", 443, false}, body);
        request.method = method;
        const bool says = relay::request_head(request).find("Content-Length") != std::string::npos;
        CHECK(says == (method == "POST" || !body.empty()));
      }
    }
  }

  TEST_CASE_FIXTURE(Fixture, "the rest of a body is waited for a second, not a millisecond less") {
    server.script = {
        Act{.answer = "HTTP/1.1 202 OK\r\nContent-Length: 9\r\n\r\nshort", .then = Then::hang}};
    Sending sending(*this, server.endpoint());
    support::until(io, [&] { return upstream.stats().bytes_in > 0; });
    support::settle(io);
    clock.advance(milliseconds{999});
    support::settle(io);
    CHECK_FALSE(sending.done());
    clock.advance(milliseconds{1});
    CHECK(sending.status() == 202);
  }

  TEST_CASE_FIXTURE(Fixture, "what comes from the peer is a sign of life, too") {
    server.script = {Act{.answer = "HTTP/1.1 ", .then = Then::hang}};
    Sending sending(*this, server.endpoint());
    support::until(io, [&] { return progress.fully_written; });
    clock.advance(milliseconds{1000});
    support::until(io, [&] { return upstream.stats().bytes_in > 0; });
    support::settle(io);
    CHECK(progress.last_byte == clock.wall_now());
    sending.cancel();
  }

  TEST_CASE_FIXTURE(Fixture, "what a request has come to says nothing of the one before") {
    CHECK(send().status() == 200);
    CHECK(progress.fully_written);
    relay::Endpoint nowhere = server.endpoint();
    nowhere.port = 1;
    CHECK(UpstreamFixture::send(nowhere).error() == boost::asio::error::connection_refused);
    CHECK_FALSE(progress.fully_written);
  }

  TEST_CASE_FIXTURE(Fixture, "what asks for a live connection makes none") {
    relay::UpstreamRequest request = request_to(server.endpoint());
    request.on_live_connection = true;
    CHECK(support::run(io, upstream.send(request, progress)).error() == Errc::no_connection);
    CHECK(send().status() == 200);
    CHECK(support::run(io, upstream.send(request, progress)).has_value());
    CHECK(server.accepted == 1);
  }

  TEST_CASE("of two idle connections one that has died does not hide the other") {
    for (const bool first : {false, true}) {
      CAPTURE(first);
      Fixture bench;
      bench.keep_two(first ? Then::close : Then::keep, first ? Then::keep : Then::close);
      CHECK(bench.send().status() == 200);
      CHECK(bench.progress.reused_connection);
      CHECK(bench.server.accepted == 2);
    }
  }

  TEST_CASE_FIXTURE(Fixture, "a cancel says nothing of the other idle connections") {
    keep_two(Then::keep, Then::keep);
    server.script = {Act{.answer = "", .then = Then::hang}};
    {
      Sending sending(*this, server.endpoint());
      support::until(io, [&] { return server.requests.size() == 3; });
      sending.cancel();
      CHECK(sending.cancelled());
    }
    CHECK(send().status() == 200);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(TwoIdle, "when all that may be idle are, the longest idle is closed") {
    FakeUpstream second(io);
    FakeUpstream third(io);
    for (FakeUpstream* one : {&server, &second, &third, &second, &third}) {
      CHECK(UpstreamFixture::send(one->endpoint()).status() == 200);
    }
    CHECK(second.accepted + third.accepted == 2);
    CHECK(send().status() == 200);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "of a large body two pieces at most are written in a turn of the loop") {
    const std::string body(1024UL * 1024, 'x');
    Sending sending(*this, server.endpoint(), body);
    std::uint64_t most = 0;
    while (!sending.done()) {
      const auto before = upstream.stats().bytes_out;
      if (io.stopped()) io.restart();
      io.run_one();
      most = std::max(most, upstream.stats().bytes_out - before);
    }
    CHECK(most <= 32UL * 1024);  // the first, and one more
    CHECK(sending.status() == 200);
  }

  TEST_CASE_FIXTURE(Fixture, "an idle connection to another host does not hide one to this") {
    FakeUpstream other(io);
    CHECK(send().status() == 200);
    CHECK(UpstreamFixture::send(other.endpoint()).status() == 200);
    CHECK(send().status() == 200);
    CHECK(server.accepted == 1);
  }

  TEST_CASE_FIXTURE(Fixture, "a connection that was warmed before forget() is not kept behind it") {
    upstream.warm(server.endpoint());
    support::until(io, [&] { return clock.sleepers() > 0; });
    upstream.forget();
    support::until(io, [&] { return server.accepted == 1; });
    support::settle(io);
    // And the next one may be warmed.
    upstream.warm(server.endpoint());
    support::until(io, [&] { return server.accepted == 2; });
    support::settle(io);
    CHECK(send().status() == 200);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "names are asked for again when they are forgotten, alone or with all") {
    support::FakeNameServer names(io);
    names.records["up.test"] = {{boost::asio::ip::make_address("127.0.0.1")}, 3600};
    relay::HttpUpstream named(io.get_executor(), clock, log, {.name_servers = {names.address()}});
    const auto questions = [&] {
      server.close_idle();
      support::settle(io);
      const int before = names.questions;
      CHECK(send(named, "up.test").status() == 200);
      return names.questions - before;
    };
    CHECK(send(named, "up.test").status() == 200);
    CHECK(questions() == 0);
    named.forget_names();
    CHECK(questions() > 0);
    named.forget();
    CHECK(questions() > 0);
  }

  TEST_CASE_FIXTURE(Fixture, "a proxy's name that could not be asked for is not called wrong") {
    support::FakeNameServer names(io);
    names.failing = true;
    proto::ProxyRules proxies;
    proxies.http = *proto::parse_proxy("proxy.test:3128", "http_proxy");
    relay::HttpUpstream through(io.get_executor(), clock, log,
                                {.name_servers = {names.address()}, .proxies = proxies});
    CHECK(send(through, "up.test").error() == Errc::proxy_unreachable);
    CHECK(sink.lines.empty());
  }
}
