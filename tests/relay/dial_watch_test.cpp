// What is told of a dial, step by step.
#include "relay/dial_watch.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include "relay/errc.hpp"
#include "relay/http_upstream.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/temp_file.hpp"
#include "tests/support/upstream_fixture.hpp"

namespace {

using relay::TlsPeer;
using support::Authority;
using support::FakeUpstream;
using support::TempFile;

struct Told final : relay::DialWatch {
  void resolved(const std::vector<boost::asio::ip::address>& addresses) override {
    steps += "resolved " + addresses.at(0).to_string() + "; ";
  }

  void connected(const boost::asio::ip::address& address) override {
    steps += "connected " + address.to_string() + "; ";
  }

  void asked_proxy(unsigned status) override { steps += "proxy " + std::to_string(status) + "; "; }

  void met(const TlsPeer& whom, const std::string& from) override {
    steps += "met";
    peer = whom;
    roots = from;
  }

  std::string steps;
  TlsPeer peer;
  std::string roots;
};

struct Watched {
  Authority authority;
  TempFile root{authority.root()};
  Told told;
};

struct Fixture : Watched, support::UpstreamFixture {
  Fixture() : UpstreamFixture({.ca_file = root.path(), .watch = &told}) {}

  TlsPeer::Verdict verdict_on(const support::Identity& identity) {
    FakeUpstream server(io, FakeUpstream::Tls{identity});
    CHECK(send(server.endpoint()).error() == relay::Errc::certificate_rejected);
    CHECK_FALSE(told.peer.why.empty());
    CHECK(told.peer.issuer.empty());
    CHECK(told.peer.expires == relay::WallTime{});
    return told.peer.verdict;
  }
};

}  // namespace

TEST_SUITE("relay/dial_watch") {
  TEST_CASE_FIXTURE(Fixture, "each step is told when it is over, with whom TLS has met") {
    FakeUpstream server(io, FakeUpstream::Tls{.identity = authority.issue("IP:127.0.0.1", 7200)});
    const auto wall = std::chrono::system_clock::now();
    CHECK(send(server.endpoint()).status() == 200);
    CHECK(told.steps == "resolved 127.0.0.1; connected 127.0.0.1; met");
    CHECK(told.peer.verdict == TlsPeer::Verdict::good);
    CHECK(told.peer.version == "TLSv1.3");
    CHECK_FALSE(told.peer.issuer.empty());
    CHECK(told.peer.expires > wall + std::chrono::seconds(7100));
    CHECK(told.peer.expires < wall + std::chrono::seconds(7300));
    CHECK(told.roots == root.path());
  }

  TEST_CASE_FIXTURE(Fixture, "a certificate that outlives the clock has not expired") {
    constexpr long kSeconds = 300L * 366 * 24 * 3600;
    FakeUpstream server(io,
                        FakeUpstream::Tls{.identity = authority.issue("IP:127.0.0.1", kSeconds)});
    const auto wall = std::chrono::system_clock::now();
    CHECK(send(server.endpoint()).status() == 200);
    CHECK(told.peer.expires > wall + std::chrono::years(200));
  }

  TEST_CASE_FIXTURE(Fixture, "a kept connection has nothing new to tell") {
    FakeUpstream server(io, FakeUpstream::Tls{.identity = authority.issue("IP:127.0.0.1")});
    CHECK(send(server.endpoint()).status() == 200);
    told.steps.clear();
    CHECK(send(server.endpoint()).status() == 200);
    CHECK(told.steps.empty());
  }

  TEST_CASE_FIXTURE(Fixture, "plain http has two steps") {
    FakeUpstream server(io);
    CHECK(send(server.endpoint()).status() == 200);
    CHECK(told.steps == "resolved 127.0.0.1; connected 127.0.0.1; ");
  }

  TEST_CASE_FIXTURE(Fixture, "the step that fails is not told") {
    CHECK(
        send({.tls = false, .host = "127.0.0.1", .port = 1, .any_address = true}).error().failed());
    CHECK(told.steps == "resolved 127.0.0.1; ");
    told.steps.clear();
    FakeUpstream plain(io);
    plain.usual = {
        .read = 1, .answer = "HTTP/1.1 400 No\r\n\r\n", .then = support::Act::Then::close};
    relay::Endpoint endpoint = plain.endpoint();
    endpoint.tls = true;
    CHECK(send(endpoint).error().failed());
    CHECK(told.steps == "resolved 127.0.0.1; connected 127.0.0.1; ");
  }

  TEST_CASE_FIXTURE(Fixture, "why a certificate is rejected has three kinds") {
    CHECK(verdict_on(authority.issue("IP:127.0.0.1", -60)) == TlsPeer::Verdict::out_of_date);
    CHECK(verdict_on(authority.issue("IP:127.0.0.2")) == TlsPeer::Verdict::other_name);
    CHECK(verdict_on(Authority().issue("IP:127.0.0.1")) == TlsPeer::Verdict::not_trusted);
  }
}
