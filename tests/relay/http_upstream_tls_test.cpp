// Whom the upstream believes, and what it remembers of a TLS connection.
#include <string>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include "relay/errc.hpp"
#include "relay/http_upstream.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/fake_name_server.hpp"
#include "tests/support/temp_file.hpp"
#include "tests/support/upstream_fixture.hpp"

namespace {

using relay::Errc;
using relay::milliseconds;
using support::Act;
using support::Authority;
using support::FakeUpstream;
using support::request_to;
using support::Sent;
using support::TempFile;

/// Trusts `authority`, which a test's server may or may not be signed by.
struct Trusting {
  Authority authority;
  TempFile root{authority.root()};
};

struct Fixture : Trusting, support::UpstreamFixture {
  Fixture() : UpstreamFixture({.ca_file = root.path()}) {}

  [[nodiscard]] FakeUpstream::Tls good() const {
    return {.identity = authority.issue("DNS:localhost,IP:127.0.0.1")};
  }

  /// Whatever went wrong, the request must not have arrived.
  boost::system::error_code refused(FakeUpstream& server, const char* host = "127.0.0.1") {
    const Sent sent = send(server.endpoint(host));
    CHECK(server.requests.empty());
    CHECK_FALSE(progress.fully_written);
    CHECK(upstream.stats().tls_handshakes == 0);
    return sent.error();
  }
};

}  // namespace

TEST_SUITE("relay/http_upstream_tls") {
  TEST_CASE_FIXTURE(Fixture, "a trusted server by name: SNI is the name; by address: no SNI") {
    FakeUpstream server(io, good());
    CHECK(send(server.endpoint("localhost")).status() == 200);
    CHECK(send(server.endpoint("127.0.0.1")).status() == 200);
    CHECK(server.names == std::vector<std::string>{"localhost", ""});
    CHECK(upstream.stats().tls_handshakes == 2);
    CHECK(sink.lines.empty());
  }

  TEST_CASE_FIXTURE(Fixture, "certificates that must be rejected are, with one line of advice") {
    const Authority stranger;
    FakeUpstream expired(io, FakeUpstream::Tls{authority.issue("IP:127.0.0.1", -60)});
    FakeUpstream unknown_root(io, FakeUpstream::Tls{stranger.issue("IP:127.0.0.1")});
    FakeUpstream wrong_address(io,
                               FakeUpstream::Tls{authority.issue("IP:127.0.0.2,DNS:localhost")});
    FakeUpstream wrong_name(io,
                            FakeUpstream::Tls{authority.issue("DNS:example.test,IP:127.0.0.1")});
    FakeUpstream address_as_name(io, FakeUpstream::Tls{authority.issue("DNS:127.0.0.1")});
    CHECK(refused(expired) == Errc::certificate_rejected);
    CHECK(refused(unknown_root) == Errc::certificate_rejected);
    CHECK(refused(wrong_address) == Errc::certificate_rejected);
    CHECK(refused(wrong_name, "localhost") == Errc::certificate_rejected);
    CHECK(refused(address_as_name) == Errc::certificate_rejected);
    CHECK(sink.lines.size() == 1);
  }

  TEST_CASE_FIXTURE(Fixture, "a server of TLS 1.1 at most is refused with a clear error") {
    FakeUpstream::Tls old = good();
    old.most = TLS1_1_VERSION;
    FakeUpstream server(io, old);
    const auto error = refused(server);
    CHECK(error.failed());
    CHECK(error != Errc::certificate_rejected);
    CHECK(error.message().find("version") != std::string::npos);
    REQUIRE(sink.lines.size() == 1);
    CHECK(sink.lines.front().find("TLS 1.2") != std::string::npos);
  }

  TEST_CASE_FIXTURE(Fixture, "a server that speaks no TLS, or leaves, is an error") {
    FakeUpstream plain(io);
    plain.usual = {
        .read = 1, .answer = "HTTP/1.1 400 Bad Request\r\n\r\n", .then = Act::Then::close};
    relay::Endpoint endpoint = plain.endpoint();
    endpoint.tls = true;
    CHECK(send(endpoint).error().message().find("wrong version number") != std::string::npos);
    plain.usual = {.read = 1, .answer = "", .then = Act::Then::close};
    CHECK(send(endpoint).error().failed());
    plain.usual = {.read = 1, .answer = "", .then = Act::Then::reset};
    CHECK(send(endpoint).error().failed());
    CHECK(upstream.stats().tls_handshakes == 0);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a kept connection is reused, tickets that came meanwhile notwithstanding") {
    FakeUpstream server(io, good());
    upstream.warm(server.endpoint());
    support::until(io, [&] { return server.handshakes == 1; });
    support::settle(io);
    CHECK(send(server.endpoint()).status() == 200);
    CHECK(send(server.endpoint()).status() == 200);
    CHECK(server.accepted == 1);
    server.close_idle();
    support::until(io, [&] { return server.ended == 1; });
    CHECK(send(server.endpoint()).status() == 200);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(Fixture, "the next connection resumes the session, until it is forgotten") {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      CAPTURE(version);
      FakeUpstream::Tls tls = good();
      tls.most = version;
      FakeUpstream server(io, tls);
      server.usual.then = Act::Then::close;
      const auto resumed = upstream.stats().tls_resumed;
      CHECK(send(server.endpoint()).status() == 200);
      CHECK(upstream.stats().tls_resumed == resumed);
      CHECK(send(server.endpoint()).status() == 200);
      CHECK(send(server.endpoint()).status() == 200);
      CHECK(upstream.stats().tls_resumed == resumed + 2);
      CHECK(server.resumed == 2);

      upstream.forget();
      CHECK(upstream.stats().connects == 0);
      CHECK(send(server.endpoint()).status() == 200);
      CHECK(server.resumed == 2);
    }
  }

  TEST_CASE_FIXTURE(Fixture, "a session of one name is not offered to another") {
    FakeUpstream server(io, good());
    server.usual.then = Act::Then::close;
    CHECK(send(server.endpoint("localhost")).status() == 200);
    CHECK(send(server.endpoint("127.0.0.1")).status() == 200);
    CHECK(server.resumed == 0);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "the connect limit ends a handshake that stalls: not a millisecond before") {
    FakeUpstream::Tls mute = good();
    mute.handshakes = false;
    FakeUpstream server(io, mute);
    Sending sending(*this, server.endpoint());
    support::until(io, [&] { return server.accepted == 1 && upstream.stats().bytes_out > 0; });
    clock.advance(milliseconds{1499});
    support::settle(io);
    CHECK_FALSE(sending.done());
    clock.advance(milliseconds{1});
    support::settle(io);
    CHECK(sending.done());
    CHECK(sending.error() == boost::asio::error::timed_out);
    support::until(io, [&] { return server.ended == 1; });
  }

  TEST_CASE_FIXTURE(Fixture, "after the handshake the connect limit means nothing") {
    FakeUpstream server(io, good());
    server.usual = {.answer = "", .then = Act::Then::hang};
    Sending sending(*this, server.endpoint());
    support::until(io, [&] { return progress.fully_written; });
    clock.advance(milliseconds{60'000});
    support::settle(io);
    CHECK_FALSE(sending.done());
    sending.cancel();
    CHECK(sending.cancelled());
    support::until(io, [&] { return server.ended == 1; });
  }

  TEST_CASE_FIXTURE(Fixture, "the connect limit holds for a name server that does not answer") {
    support::FakeNameServer names(io);
    names.silent = true;
    relay::HttpUpstream asking(io.get_executor(), clock, log, {.name_servers = {names.address()}});
    const auto request = request_to({true, "a.test", 443, true});
    support::Started<support::Answer> sending(io, asking.send(request, progress));
    support::until(io, [&] { return names.questions > 0; });
    clock.advance(milliseconds{1499});
    support::settle(io);
    CHECK_FALSE(sending.done());
    clock.advance(milliseconds{1});
    CHECK(sending.get().error() == boost::asio::error::timed_out);
  }

  TEST_CASE_FIXTURE(Fixture, "fully_written is as exact over TLS, and an early answer is taken") {
    const std::string huge(32UL * 1024 * 1024, 'x');
    FakeUpstream server(io, good());
    server.script = {Act{.read = 100,
                         .answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n",
                         .then = Act::Then::stall}};
    CHECK(send(server.endpoint(), huge).status() == 413);
    CHECK_FALSE(progress.fully_written);
    CHECK(send(server.endpoint(), huge).status() == 200);
    CHECK(progress.fully_written);
    CHECK(server.requests.back().ends_with("\r\n\r\n" + huge));
    CHECK(server.accepted == 2);
  }
}
