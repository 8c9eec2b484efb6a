// Through a proxy: by CONNECT where there is TLS, by absolute form where there is none.
#include <algorithm>
#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include "proto/proxy.hpp"
#include "relay/errc.hpp"
#include "relay/http_upstream.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/fake_name_server.hpp"
#include "tests/support/fake_proxy.hpp"
#include "tests/support/temp_file.hpp"
#include "tests/support/upstream_fixture.hpp"

namespace {

using relay::Errc;
using relay::milliseconds;
using support::FakeProxy;
using support::FakeUpstream;
using support::request_to;
using support::Sent;
using Then = FakeProxy::Then;

constexpr auto* kHost = "upstream.test";
constexpr std::size_t kMostHeader = 16UL * 1024;

proto::ProxyRules rules(const std::string& proxy, const char* no_proxy = "") {
  proto::ProxyRules rules;
  rules.https = *proto::parse_proxy(proxy, "https_proxy");
  rules.http = *proto::parse_proxy(proxy, "http_proxy");
  rules.except = proto::parse_no_proxy(no_proxy);
  return rules;
}

/// An upstream with TLS, a proxy in front of it, and no way to know the upstream's name but the
/// proxy.
struct Fixture : support::UpstreamFixture {
  support::Authority authority;
  support::TempFile root{authority.root()};
  FakeUpstream server{io, FakeUpstream::Tls{authority.issue("DNS:upstream.test,IP:127.0.0.1")}};
  FakeProxy proxy{io, server.port()};
  support::FakeNameServer names{io};
  relay::HttpUpstream through = make("user:p%40ss@");

  ~Fixture() { stop(through); }

  relay::HttpUpstream make(const std::string& userinfo, const char* no_proxy = "") {
    return relay::HttpUpstream(
        io.get_executor(), clock, log,
        {.ca_file = root.path(),
         .name_servers = {names.address()},
         .proxies =
             rules("http://" + userinfo + "127.0.0.1:" + std::to_string(proxy.port()), no_proxy)});
  }

  void stop(relay::HttpUpstream& upstream) {
    upstream.stop();
    support::Started<bool> ended(io, join(upstream));
  }

  Sent send(relay::HttpUpstream& upstream, const relay::Endpoint& endpoint) {
    const auto request = request_to(endpoint);
    return {support::run(io, upstream.send(request, progress))};
  }

  Sent send() { return send(through, server.endpoint(kHost)); }

  [[nodiscard]] std::string authority_of_server() const {
    return std::string(kHost) + ":" + std::to_string(server.port());
  }
};

/// The same with an upstream without TLS, which is the proxy itself: it sees the whole request.
struct PlainFixture : support::UpstreamFixture {
  FakeUpstream proxy{io};

  PlainFixture() = default;

  relay::HttpUpstream make(const std::string& userinfo) {
    return relay::HttpUpstream(
        io.get_executor(), clock, log,
        {.proxies = rules("http://" + userinfo + "127.0.0.1:" + std::to_string(proxy.port()))});
  }

  Sent send(relay::HttpUpstream& upstream, const char* host = kHost, std::uint16_t port = 80) {
    const auto request = request_to({false, host, port, true});
    return {support::run(io, upstream.send(request, progress))};
  }
};

bool any_holds(const std::vector<std::string>& lines, const std::string& text) {
  return std::ranges::any_of(
      lines, [&](const std::string& line) { return line.find(text) != std::string::npos; });
}

std::string header_of(std::size_t bytes) {
  std::string header = "HTTP/1.1 200 OK\r\nX: \r\n\r\n";
  header.insert(header.size() - 4, bytes - header.size(), 'x');
  return header;
}

}  // namespace

TEST_SUITE("relay/http_upstream_proxy") {
  TEST_CASE_FIXTURE(Fixture,
                    "TLS goes through CONNECT; the upstream's name is the proxy's to find") {
    CHECK(send().status() == 200);
    REQUIRE(proxy.requests.size() == 1);
    CHECK(proxy.requests[0] == "CONNECT " + authority_of_server() +
                                   " HTTP/1.1\r\nHost: " + authority_of_server() +
                                   "\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"
                                   "User-Agent: thaw/" THAW_VERSION "\r\n\r\n");
    CHECK(server.names == std::vector<std::string>{kHost});
    CHECK(names.questions == 0);
    // Inside the tunnel it is a request like any other.
    REQUIRE(server.requests.size() == 1);
    CHECK(server.requests[0] == "POST /api/42/envelope/ HTTP/1.1\r\nHost: " +
                                    authority_of_server() + "\r\nContent-Length: 4\r\n\r\nbody");
    CHECK(sink.lines.empty());
  }

  TEST_CASE_FIXTURE(Fixture, "without credentials none are sent; an IPv6 upstream has brackets") {
    auto anonymous = make("");
    CHECK(send(anonymous, server.endpoint(kHost)).status() == 200);
    CHECK(proxy.requests[0].find("Authorization") == std::string::npos);
    CHECK(send(anonymous, server.endpoint("fd00::1")).error() == Errc::certificate_rejected);
    CHECK(proxy.requests[1].starts_with("CONNECT [fd00::1]:"));
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a tunnel is kept for the next request, by the rules of any connection") {
    CHECK(send().status() == 200);
    clock.freeze(milliseconds{0}, milliseconds{4999});
    CHECK(send().status() == 200);
    CHECK(progress.reused_connection);
    CHECK(proxy.accepted == 1);
    clock.freeze(milliseconds{0}, milliseconds{5000});
    CHECK(send().status() == 200);
    CHECK(proxy.accepted == 2);
    CHECK(server.resumed == 1);
    server.close_idle();
    support::until(io, [&] { return proxy.ended == 2; });
    CHECK(send().status() == 200);
    CHECK_FALSE(progress.reused_connection);
    CHECK(proxy.accepted == 3);
  }

  TEST_CASE_FIXTURE(Fixture, "a tunnel may be made ahead") {
    through.warm(server.endpoint(kHost));
    support::until(io, [&] { return server.handshakes == 1; });
    support::settle(io);
    CHECK(send().status() == 200);
    CHECK(progress.reused_connection);
    CHECK(proxy.accepted == 1);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a host allowed only by suffix: through a proxy its name alone counts") {
    relay::Endpoint endpoint = server.endpoint(kHost);
    endpoint.any_address = false;
    CHECK(send(through, endpoint).status() == 200);
  }

  TEST_CASE_FIXTURE(Fixture, "loopback and what no_proxy names are reached without") {
    CHECK(send(through, server.endpoint("127.0.0.1")).status() == 200);
    auto choosy = make("", "upstream.test");
    names.records[kHost] = {{boost::asio::ip::make_address("127.0.0.1")}};
    CHECK(send(choosy, server.endpoint(kHost)).status() == 200);
    CHECK(names.questions > 0);
    CHECK(proxy.accepted == 0);
  }

  TEST_CASE_FIXTURE(Fixture, "answers that open a tunnel, however they are made") {
    for (const std::string answer :
         {"HTTP/1.0 200 Connection established\r\n\r\n", "HTTP/1.1 200 \r\n\r\n",
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
          "HTTP/1.1 204 x\r\nA: b\r\n\r\n"}) {
      for (const bool drip : {false, true}) {
        CAPTURE(answer);
        proxy.script = {{.answer = answer, .drip = drip}};
        CHECK(send().status() == 200);
        through.forget();
      }
    }
  }

  TEST_CASE_FIXTURE(Fixture, "the answer's header has 16 KiB") {
    for (const std::size_t size : {kMostHeader - 1, kMostHeader}) {
      proxy.script = {{.answer = header_of(size)}};
      CHECK(send().status() == 200);
      through.forget();
    }
    for (const Then then : {Then::close, Then::hang}) {
      proxy.script = {{.answer = header_of(kMostHeader + 1), .then = then}};
      CHECK(send().error() == Errc::proxy_failed);
    }
    proxy.script = {
        {.answer = "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), .then = Then::hang}};
    CHECK(send().error() == Errc::proxy_failed);
  }

  TEST_CASE_FIXTURE(Fixture, "answers that are no answers are the proxy's failure") {
    const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
    std::string nine;
    for (int i = 0; i < 9; ++i) nine += interim;
    proxy.script = {{.answer = "SSH-2.0-OpenSSH\r\n\r\n", .then = Then::hang},
                    {.answer = "", .then = Then::close},
                    {.answer = "HTTP/1.1 200 OK\r\nX: y", .then = Then::close},
                    {.answer = nine, .then = Then::hang},
                    {.answer = "HTTP/1.1 200 OK\r\n\r\nhello", .then = Then::hang},
                    {.answer = "HTTP/1.1 101 Switching\r\n\r\n", .then = Then::hang}};
    while (!proxy.script.empty()) {
      CHECK(send().error() == Errc::proxy_failed);
      CHECK_FALSE(progress.fully_written);
    }
    CHECK(send().status() == 200);
    CHECK(server.requests.size() == 1);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a reset at any byte of CONNECT is an error, and the next send is fine") {
    CHECK(send().status() == 200);
    const std::size_t size = proxy.requests[0].size();
    for (std::size_t read = 1; read <= size; ++read) {
      CAPTURE(read);
      through.forget();
      proxy.script = {{.answer = "", .then = Then::reset, .read = read}};
      CHECK(send().error() == Errc::proxy_failed);
    }
    CHECK(send().status() == 200);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a refusal is the proxy's, never the upstream's answer, and said once") {
    for (const char* status : {"403 Forbidden", "302 Found", "429 Too Many", "500 Broken",
                               "503 Unavailable", "400 Bad"}) {
      for (const Then then : {Then::close, Then::hang}) {
        CAPTURE(status);
        proxy.script = {
            {.answer = "HTTP/1.1 " + std::string(status) +
                       "\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 9\r\n\r\nno",
             .then = then}};
        CHECK(send().error() == Errc::proxy_refused);
        CHECK_FALSE(progress.fully_written);
      }
    }
    // What it refuses and what it cannot are told apart.
    REQUIRE(sink.lines.size() == 2);
    CHECK(sink.lines[1].find("answered 500") != std::string::npos);
    CHECK(sink.lines[0].find("the proxy 127.0.0.1:" + std::to_string(proxy.port()) +
                             " of https_proxy answered 403 for " + authority_of_server()) !=
          std::string::npos);
    CHECK(sink.lines[0].find("no_proxy") != std::string::npos);
    CHECK(send().status() == 200);
  }

  TEST_CASE_FIXTURE(Fixture, "407 is said once, with what to do and without the password") {
    proxy.usual = {.answer =
                       "HTTP/1.1 407 Proxy Authentication Required\r\n"
                       "Proxy-Authenticate: Basic realm=\"x\"\r\nConnection: close\r\n\r\n",
                   .then = Then::close};
    CHECK(send().error() == Errc::proxy_unauthorized);
    CHECK(send().error() == Errc::proxy_unauthorized);
    REQUIRE(sink.lines.size() == 1);
    CHECK(any_holds(sink.lines, "of https_proxy answered 407"));
    CHECK(any_holds(sink.lines, "does not take this user and password"));
    for (const char* secret : {"p@ss", "p%40ss", "dXNlcjpwQHNz"})
      CHECK_FALSE(any_holds(sink.lines, secret));
  }

  TEST_CASE_FIXTURE(Fixture, "401 is another word for 407") {
    proxy.usual = {.answer = "HTTP/1.0 401 Unauthorized\r\n\r\n", .then = Then::close};
    CHECK(send().error() == Errc::proxy_unauthorized);
    CHECK(any_holds(sink.lines, "of https_proxy answered 401"));
  }

  TEST_CASE_FIXTURE(Fixture, "407 without credentials says how to write them") {
    proxy.usual = {.answer = "HTTP/1.1 407 x\r\n\r\n", .then = Then::close};
    auto anonymous = make("");
    CHECK(send(anonymous, server.endpoint(kHost)).error() == Errc::proxy_unauthorized);
    CHECK(any_holds(sink.lines, "http://user:password@host:port"));
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a proxy that never answers: the connect limit, not a millisecond before") {
    // The second opens the tunnel, and the handshake in it hangs.
    for (const char* answer : {"", "HTTP/1.1 200 OK\r\n\r\n"}) {
      FakeProxy mute(io, proxy.port());
      mute.usual = {.answer = answer, .then = Then::hang};
      relay::HttpUpstream waiting(
          io.get_executor(), clock, log,
          {.ca_file = root.path(), .proxies = rules("127.0.0.1:" + std::to_string(mute.port()))});
      const auto request = request_to(server.endpoint(kHost));
      support::Started<support::Answer> sending(io, waiting.send(request, progress));
      support::until(io,
                     [&] { return mute.accepted == 1 && mute.requests[0].ends_with("\r\n\r\n"); });
      clock.advance(milliseconds{1499});
      support::settle(io);
      CHECK_FALSE(sending.done());
      clock.advance(milliseconds{1});
      CHECK(sending.get().error() == Errc::proxy_timed_out);
      CHECK_FALSE(progress.fully_written);
      support::until(io, [&] { return mute.ended == 1; });
    }
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a cancel before the tunnel is there ends the send and the connection") {
    proxy.usual = {.answer = "HTTP/1.1 ", .then = Then::hang};
    const auto request = request_to(server.endpoint(kHost));
    support::Started<support::Answer> sending(io, through.send(request, progress));
    support::until(io, [&] { return through.stats().bytes_in > 0; });
    sending.cancel();
    CHECK((sending.cancelled() || sending.get().error() == boost::asio::error::operation_aborted));
    support::until(io, [&] { return proxy.ended == 1; });
  }

  TEST_CASE_FIXTURE(Fixture, "a proxy that cannot be reached is named, once") {
    relay::HttpUpstream dead(io.get_executor(), clock, log,
                             {.proxies = rules("user:p4ss@127.0.0.1:1")});
    CHECK(send(dead, server.endpoint(kHost)).error() == Errc::proxy_unreachable);
    CHECK(send(dead, server.endpoint(kHost)).error() == Errc::proxy_unreachable);
    REQUIRE(sink.lines.size() == 1);
    CHECK(any_holds(sink.lines, "the proxy 127.0.0.1:1 of https_proxy cannot be reached"));
    CHECK_FALSE(any_holds(sink.lines, "p4ss"));
  }

  TEST_CASE_FIXTURE(Fixture, "the proxy's name is ours to find") {
    relay::HttpUpstream named(io.get_executor(), clock, log,
                              {.ca_file = root.path(),
                               .name_servers = {names.address()},
                               .proxies = rules("proxy.test:" + std::to_string(proxy.port()))});
    CHECK(send(named, server.endpoint(kHost)).error() == Errc::proxy_unreachable);
    CHECK(any_holds(sink.lines, "no such host name"));
    names.records["proxy.test"] = {{boost::asio::ip::make_address("127.0.0.1")}};
    CHECK(send(named, server.endpoint(kHost)).status() == 200);
    CHECK(proxy.requests[0].starts_with("CONNECT upstream.test:"));
  }

  TEST_CASE_FIXTURE(PlainFixture,
                    "without TLS the proxy is sent the request, its target absolute") {
    auto upstream = make("user:pass@");
    CHECK(send(upstream).status() == 200);
    CHECK(send(upstream).status() == 200);
    CHECK(progress.reused_connection);
    CHECK(proxy.accepted == 1);
    CHECK(proxy.requests[0] ==
          "POST http://upstream.test/api/42/envelope/ HTTP/1.1\r\nHost: upstream.test\r\n"
          "Proxy-Authorization: Basic dXNlcjpwYXNz\r\nContent-Length: 4\r\n\r\nbody");
    CHECK(send(upstream, "fd00::1", 8080).status() == 200);
    CHECK(proxy.requests[2].starts_with(
        "POST http://[fd00::1]:8080/api/42/envelope/ HTTP/1.1\r\nHost: [fd00::1]:8080\r\n"));
    // Each upstream has connections of its own.
    CHECK(proxy.accepted == 2);
  }

  TEST_CASE_FIXTURE(PlainFixture, "407 there is the proxy's as well: the request went no further") {
    auto upstream = make("user:pass@");
    proxy.script = {{}, {.answer = "HTTP/1.1 407 x\r\nContent-Length: 0\r\n\r\n"}};
    CHECK(send(upstream).status() == 200);
    CHECK(send(upstream).error() == Errc::proxy_unauthorized);
    CHECK_FALSE(progress.fully_written);
    CHECK_FALSE(progress.reused_connection);
    CHECK(any_holds(sink.lines, "of http_proxy answered 407 for upstream.test:80"));
    CHECK(sink.lines.size() == 1);
  }

  TEST_CASE_FIXTURE(PlainFixture, "so is 401 with a challenge; without one it is the upstream's") {
    auto upstream = make("user:pass@");
    proxy.script = {
        {.answer = "HTTP/1.0 401 x\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n<html>",
         .then = support::Act::Then::close},
        {.answer = "HTTP/1.1 401 x\r\nContent-Length: 0\r\n\r\n"}};
    CHECK(send(upstream).error() == Errc::proxy_unauthorized);
    CHECK(send(upstream).status() == 401);
  }

  TEST_CASE_FIXTURE(PlainFixture, "any other status is an answer; a redirect is not followed") {
    auto upstream = make("");
    proxy.usual.answer =
        "HTTP/1.1 302 x\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    CHECK(send(upstream).status() == 302);
    CHECK(proxy.requests.size() == 1);
    CHECK(proxy.requests[0].find("Proxy-Authorization") == std::string::npos);
  }

  TEST_CASE("without a proxy 407 is the upstream's own answer") {
    support::UpstreamFixture fixture;
    FakeUpstream server(fixture.io);
    server.usual.answer = "HTTP/1.1 407 x\r\nContent-Length: 0\r\n\r\n";
    CHECK(fixture.send(server.endpoint()).status() == 407);
  }
}
