// Requests, answers and the life of connections, over plain HTTP; TLS has a file of its own.
#include "relay/http_upstream.hpp"

#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include "relay/errc.hpp"
#include "relay/http_exchange.hpp"
#include "tests/support/fake_name_server.hpp"
#include "tests/support/upstream_fixture.hpp"

namespace {

using relay::Errc;
using relay::milliseconds;
using relay::SendProgress;
using support::Act;
using support::FakeUpstream;
using support::request_to;
using support::Sent;
using Then = Act::Then;

// More than the socket buffers of both ends can take (tcp_wmem, tcp_rmem: 4 and 6 MiB).
const std::string kHugeBody(32UL * 1024 * 1024, 'x');

struct Fixture : support::UpstreamFixture {
  FakeUpstream server{io};

  Sent send() { return UpstreamFixture::send(server.endpoint()); }

  /// What an exchange ends with that begins behind the peer's first move: nothing of it is written.
  boost::system::error_code error_of_late_question() {
    relay::UpstreamStats stats;
    relay::Connection connection(io.get_executor(), stats);
    const auto loopback = boost::asio::ip::address_v4::loopback();
    REQUIRE(support::run(io, connection.connect(loopback, server.port())).has_value());
    support::until(io, [&] { return !connection.quiet(); });
    const auto done = support::run(
        io, relay::exchange(connection, "GET / HTTP/1.1\r\n\r\n", "", progress, clock));
    CHECK_FALSE(progress.fully_written);
    CHECK(stats.bytes_out == 0);
    return done.error();
  }
};

/// Takes no connection: nobody accepts, and the queue is full; what else knocks is not answered at
/// all (listen(2)).
class BlackHole {
 public:
  explicit BlackHole(boost::asio::io_context& io) : deaf_(io, tcp::v4()) {
    deaf_.bind({boost::asio::ip::address_v4::loopback(), 0});
    deaf_.listen(0);
    auto address = deaf_.local_endpoint();
    for (int i = 0; i < 4; ++i) {
      // Asio's own connect() waits for the answer, which does not come.
      crowd_.emplace_back(io, tcp::v4()).native_non_blocking(true);
      (void)::connect(crowd_.back().native_handle(), address.data(),
                      static_cast<socklen_t>(address.size()));
    }
  }

  [[nodiscard]] std::uint16_t port() const { return deaf_.local_endpoint().port(); }

 private:
  using tcp = boost::asio::ip::tcp;

  tcp::acceptor deaf_;
  std::vector<tcp::socket> crowd_;
};

struct Resolved final : relay::DialWatch {
  void resolved(const std::vector<boost::asio::ip::address>&) override { done = true; }

  void connected(const boost::asio::ip::address& address) override { reached = address; }

  void asked_proxy(unsigned) override {}

  void met(const relay::TlsPeer&, const std::string&) override {}

  bool done = false;
  boost::asio::ip::address reached;
};

}  // namespace

TEST_SUITE("relay/http_upstream") {
  TEST_CASE_FIXTURE(Fixture, "a request leaves as it was given, with Host and Content-Length") {
    relay::UpstreamRequest request = request_to(server.endpoint());
    request.headers = {{"X-Sentry-Auth", "Sentry sentry_key=abc"}, {"User-Agent", "thaw/0"}};
    const auto answer = support::run(io, upstream.send(request, progress));
    REQUIRE(answer.has_value());
    CHECK(answer->status == 200);
    REQUIRE(server.requests.size() == 1);
    CHECK(server.requests[0] ==
          "POST /api/42/envelope/ HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
              "\r\nX-Sentry-Auth: Sentry sentry_key=abc\r\nUser-Agent: thaw/0\r\n"
              "Content-Length: 4\r\n\r\nbody");
    CHECK(progress.fully_written);
    CHECK(progress.last_byte == clock.wall_now());
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a field that would break out of its line is refused before anything is sent") {
    for (const char* evil : {"/\r\nX: y", "/a b", "/\n"}) {
      relay::UpstreamRequest request = request_to(server.endpoint());
      request.target = evil;
      CHECK(support::run(io, upstream.send(request, progress)).error() ==
            boost::asio::error::invalid_argument);
    }
    relay::UpstreamRequest request = request_to(server.endpoint());
    request.headers = {{"User-Agent", "a\r\nHost: b"}};
    CHECK(support::run(io, upstream.send(request, progress)).error() ==
          boost::asio::error::invalid_argument);
    CHECK(server.accepted == 0);
  }

  TEST_CASE_FIXTURE(Fixture, "a connection is kept for the next request, and counted") {
    CHECK(send().status() == 200);
    CHECK_FALSE(progress.reused_connection);
    CHECK(send().status() == 200);
    CHECK(progress.reused_connection);
    CHECK(upstream.stats().connects == 1);
    CHECK(upstream.stats().reused == 1);
    CHECK(upstream.stats().bytes_out > 0);
    CHECK(upstream.stats().bytes_in > 0);
    CHECK(server.accepted == 1);
  }

  TEST_CASE_FIXTURE(Fixture, "a connection that the peer closed while idle is replaced") {
    CHECK(send().status() == 200);
    server.close_idle();
    support::until(io, [&] { return server.ended == 1; });
    CHECK(send().status() == 200);
    CHECK_FALSE(progress.reused_connection);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(Fixture, "a connection on which the peer spoke unasked is replaced") {
    // With its own "HTTP/1.1 408" for example, as servers say before they close an idle connection.
    server.script = {
        Act{},
        Act{.read = 0, .answer = "HTTP/1.1 408 Request Timeout\r\n\r\n", .then = Then::hang}};
    CHECK(send().status() == 200);
    support::settle(io);
    CHECK(send().status() == 200);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "an idle connection is reused below the limit by wall clock, not at it") {
    CHECK(send().status() == 200);
    clock.freeze(milliseconds{0}, milliseconds{4999});
    CHECK(send().status() == 200);
    CHECK(server.accepted == 1);
    clock.freeze(milliseconds{0}, milliseconds{5000});
    CHECK(send().status() == 200);
    CHECK(server.accepted == 2);
    // Monotonic time alone means nothing: it may have jumped in a thaw.
    clock.freeze(milliseconds{60'000}, milliseconds{0});
    CHECK(send().status() == 200);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a clock that stepped back tells no age: what was idle then is replaced") {
    CHECK(send().status() == 200);
    clock.freeze(milliseconds{0}, milliseconds{-1});
    CHECK(send().status() == 200);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(
      Fixture, "sixteen idle connections are kept, of a seventeenth the longest idle is closed") {
    for (const int count : {15, 16, 17}) {
      CAPTURE(count);
      upstream.forget();
      support::until(io, [&] { return server.ended == server.accepted; });
      const int ended = server.ended;
      const auto request = request_to(server.endpoint());
      std::vector<SendProgress> progresses(static_cast<std::size_t>(count));
      std::list<support::Started<support::Answer>> sends;
      for (SendProgress& each : progresses) sends.emplace_back(io, upstream.send(request, each));
      for (auto& each : sends) CHECK(each.get().has_value());
      support::settle(io);
      CHECK(server.ended - ended == std::max(count - 16, 0));
    }
  }

  TEST_CASE_FIXTURE(Fixture,
                    "where a kept connection turns out to be dead, the next is a new one") {
    const Act reset{.answer = "", .then = Then::reset};
    server.script = {Act{}, Act{}, Act{}, reset, reset, reset};
    const auto request = request_to(server.endpoint());
    {
      std::vector<SendProgress> progresses(3);
      std::list<support::Started<support::Answer>> sends;
      for (SendProgress& each : progresses) sends.emplace_back(io, upstream.send(request, each));
      for (auto& each : sends) CHECK(each.get().has_value());
    }
    REQUIRE(server.accepted == 3);
    CHECK(send().error().failed());
    CHECK(progress.reused_connection);
    CHECK(send().status() == 200);
    CHECK_FALSE(progress.reused_connection);
    CHECK(server.accepted == 4);
  }

  TEST_CASE("as many idle connections are kept as are busy at once, where that is set higher") {
    support::UpstreamFixture fixture({.idle = 32});
    FakeUpstream server(fixture.io);
    const auto request = request_to(server.endpoint());
    for (int round = 0; round < 2; ++round) {
      std::vector<SendProgress> progresses(32);
      std::list<support::Started<support::Answer>> sends;
      for (SendProgress& each : progresses)
        sends.emplace_back(fixture.io, fixture.upstream.send(request, each));
      for (auto& each : sends) CHECK(each.get().has_value());
    }
    CHECK(server.accepted == 32);
  }

  TEST_CASE_FIXTURE(Fixture, "forget() closes idle connections, and those in use are not kept") {
    CHECK(send().status() == 200);
    upstream.forget();
    support::until(io, [&] { return server.ended == 1; });

    server.script = {Act{.read = 1, .answer = "", .then = Then::keep}};
    server.usual.read = Act::kAll;
    Sending sending(*this, server.endpoint());
    support::until(io, [&] { return server.requests.size() == 2; });
    upstream.forget();
    CHECK(sending.status() == 200);
    CHECK(send().status() == 200);
    CHECK_FALSE(progress.reused_connection);
  }

  TEST_CASE_FIXTURE(Fixture, "an answer that ends the connection is the last on it") {
    server.usual = {.answer = "HTTP/1.1 200 OK\r\n\r\nto the end", .then = Then::close};
    CHECK(send().status() == 200);
    CHECK(send().status() == 200);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(Fixture, "an answer may end with a reset") {
    // As of a server that answers and closes without having read the body.
    server.script = {
        Act{.answer = "HTTP/1.0 503 x\r\n\r\nto the end", .then = Then::reset},
        Act{.answer = "HTTP/1.1 503 x\r\nContent-Length: 9\r\n\r\nshort", .then = Then::reset}};
    CHECK(send().status() == 503);
    CHECK(send().status() == 503);
  }

  TEST_CASE_FIXTURE(Fixture, "interim answers are skipped, a dripping one is waited for") {
    server.usual.answer =
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Too Many\r\nRetry-After: 7\r\n"
        "X-Sentry-Rate-Limits: 7:error:key\r\nContent-Length: 3\r\n\r\nno!";
    server.usual.drip = true;
    const auto answer = send();
    REQUIRE(answer.result.has_value());
    CHECK(answer.result->status == 429);
    CHECK(answer.result->retry_after == "7");
    CHECK(answer.result->rate_limits == "7:error:key");
    CHECK(send().status() == 429);
    CHECK(server.accepted == 1);
  }

  TEST_CASE_FIXTURE(Fixture, "an answer of HTTP/1.0 is taken, and the last on its connection") {
    server.usual.answer = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    CHECK(send().status() == 200);
    CHECK(send().status() == 200);
    CHECK(server.accepted == 2);
  }

  TEST_CASE_FIXTURE(Fixture, "redirects are an answer, not followed") {
    server.usual.answer =
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    CHECK(send().status() == 302);
    CHECK(server.accepted == 1);
  }

  TEST_CASE_FIXTURE(Fixture, "answers that are no answers are errors") {
    server.script = {
        Act{.answer = "SSH-2.0-OpenSSH\r\n\r\n", .then = Then::hang},
        Act{.answer = "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), .then = Then::hang},
        Act{.answer = "", .then = Then::close},
        Act{.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n", .then = Then::close},
        Act{.answer = "HTTP/1.1 101 Switching Protocols\r\n\r\n", .then = Then::hang}};
    CHECK(send().error() == Errc::answer_malformed);
    CHECK(send().error() == Errc::answer_malformed);
    CHECK(send().error() == Errc::answer_incomplete);
    CHECK(send().error() == Errc::answer_incomplete);
    CHECK(send().error() == Errc::answer_malformed);
    CHECK(send().status() == 200);
    CHECK(server.accepted == 6);
  }

  TEST_CASE_FIXTURE(Fixture, "an answer whose body does not come to its end is one all the same") {
    for (const std::string rest :
         {"Content-Length: 9\r\n\r\nshort", "Transfer-Encoding: chunked\r\n\r\n",
          "Transfer-Encoding: chunked\r\n\r\nno chunk\r\n", "X: y\r\n\r\n"}) {
      for (const Then then : {Then::close, Then::reset, Then::hang}) {
        CAPTURE(rest);
        CAPTURE(static_cast<int>(then));
        server.script = {Act{.answer = "HTTP/1.1 202 OK\r\n" + rest, .then = then}};
        Sending sending(*this, server.endpoint());
        support::until(io, [&] { return sending.done() || upstream.stats().bytes_in > 0; });
        support::settle(io);
        clock.advance(milliseconds{1000});
        support::until(io, [&] { return sending.done(); });
        CHECK(sending.status() == 202);
        CHECK(send().status() == 200);
        CHECK_FALSE(progress.reused_connection);
        upstream.forget();
      }
    }
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a reset at any byte of the request is an error, and the next send is fine") {
    const auto request = request_to(server.endpoint());
    const std::size_t size = relay::request_head(request).size() + request.body.size();
    for (std::size_t read = 0; read <= size; ++read) {
      CAPTURE(read);
      server.script = {Act{.read = read, .answer = "", .then = Then::reset}};
      CHECK(send().error().failed());
      CHECK(send().status() == 200);
      upstream.forget();
    }
  }

  TEST_CASE_FIXTURE(Fixture,
                    "an answer before the request is written is taken, and the connection closed") {
    server.script = {Act{.read = 100,
                         .answer = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n",
                         .then = Then::stall}};
    CHECK(UpstreamFixture::send(server.endpoint(), kHugeBody).status() == 413);
    CHECK_FALSE(progress.fully_written);
    CHECK(send().status() == 200);
    CHECK_FALSE(progress.reused_connection);
  }

  TEST_CASE_FIXTURE(
      Fixture, "fully_written means the last byte: not before, and without waiting for an answer") {
    server.script = {Act{.read = 1000, .answer = "", .then = Then::stall},
                     Act{.answer = "", .then = Then::hang}};
    {
      Sending huge(*this, server.endpoint(), kHugeBody);
      support::until(io, [&] { return server.requests.size() == 1; });
      support::settle(io);
      CHECK_FALSE(progress.fully_written);
      CHECK(progress.last_byte == clock.wall_now());
    }
    CHECK_FALSE(progress.fully_written);

    Sending small(*this, server.endpoint());
    support::until(io, [&] { return progress.fully_written; });
    CHECK_FALSE(small.done());
    support::until(io, [&] { return server.requests.size() == 2; });
    CHECK(server.requests[1].ends_with("\r\n\r\nbody"));
  }

  TEST_CASE_FIXTURE(Fixture, "where the peer has left before it was asked, nothing is written") {
    server.script = {Act{.read = 0, .answer = "", .then = Then::close}};
    CHECK(error_of_late_question() == Errc::answer_incomplete);
  }

  TEST_CASE_FIXTURE(Fixture, "what a peer says before it was asked is no answer") {
    for (const std::string status : {"408 Request Timeout", "200 OK"}) {
      server.script = {
          Act{.read = 0, .answer = "HTTP/1.1 " + status + "\r\nContent-Length: 0\r\n\r\n"}};
      CHECK(error_of_late_question() == boost::asio::error::connection_aborted);
    }
  }

  TEST_CASE_FIXTURE(Fixture, "408 is no answer: whoever says it did not get the request") {
    // To half a request, and to one that stayed with the kernel while the process was frozen.
    const Act too_late{.answer = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"};
    Act half = too_late;
    half.read = 100;
    half.then = Then::stall;
    server.script = {half, too_late};
    CHECK(UpstreamFixture::send(server.endpoint(), kHugeBody).error() ==
          boost::asio::error::connection_aborted);
    CHECK_FALSE(progress.fully_written);
    CHECK(send().error() == boost::asio::error::connection_aborted);
    CHECK_FALSE(progress.fully_written);
    CHECK(send().status() == 200);
    CHECK_FALSE(progress.reused_connection);
  }

  TEST_CASE_FIXTURE(Fixture, "a huge body arrives whole") {
    CHECK(UpstreamFixture::send(server.endpoint(), kHugeBody).status() == 200);
    CHECK(server.requests[0].ends_with("\r\n\r\n" + kHugeBody));
    CHECK(progress.fully_written);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a cancel in the middle ends the send at once and closes the connection") {
    server.usual = {.answer = "HTTP/1.1 200 OK\r\n", .then = Then::hang};
    Sending sending(*this, server.endpoint());
    support::until(io, [&] { return upstream.stats().bytes_in > 0; });
    sending.cancel();
    CHECK(sending.cancelled());
    CHECK(progress.fully_written);
    support::until(io, [&] { return server.ended == 1; });
  }

  TEST_CASE_FIXTURE(Fixture, "of what the peer does not read the kernel holds little") {
    server.usual = {.read = 1000, .answer = "", .then = Then::stall};
    Sending sending(*this, server.endpoint(), kHugeBody);
    support::settle(io);
    CHECK(upstream.stats().bytes_out > 100'000);
    CHECK(upstream.stats().bytes_out < 1'000'000);
    sending.cancel();
    CHECK(sending.cancelled());
  }

  TEST_CASE_FIXTURE(Fixture, "nobody listens: refused, with nothing written") {
    relay::Endpoint nowhere = server.endpoint();
    nowhere.port = 1;
    CHECK(UpstreamFixture::send(nowhere).error() == boost::asio::error::connection_refused);
    CHECK_FALSE(progress.fully_written);
    CHECK(progress.last_byte == relay::WallTime{});
  }

  TEST_CASE_FIXTURE(Fixture, "a black hole: the connect limit ends it, not a millisecond before") {
    const BlackHole deaf(io);
    relay::Endpoint hole = server.endpoint();
    hole.port = deaf.port();
    Sending sending(*this, hole);
    support::until(io, [&] { return clock.sleepers() > 0; });
    clock.advance(milliseconds{1499});
    support::settle(io);
    CHECK_FALSE(sending.done());
    clock.advance(milliseconds{1});
    CHECK(sending.error() == boost::asio::error::timed_out);
    CHECK_FALSE(progress.fully_written);
  }

  TEST_CASE_FIXTURE(Fixture, "a warm connection is used by the next send, and warmed once") {
    upstream.warm(server.endpoint());
    upstream.warm(server.endpoint());
    support::until(io, [&] { return server.accepted == 1; });
    support::settle(io);
    upstream.warm(server.endpoint());
    CHECK(send().status() == 200);
    CHECK(progress.reused_connection);
    CHECK(server.accepted == 1);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a send waits for the warm connection on its way; a second send does not") {
    upstream.warm(server.endpoint());
    Sending first(*this, server.endpoint());
    SendProgress second_progress;
    const auto request = request_to(server.endpoint());
    support::Started<support::Answer> second(io, upstream.send(request, second_progress));
    CHECK(first.status() == 200);
    CHECK(second.get().has_value());
    CHECK(upstream.stats().connects == 2);
    CHECK(upstream.stats().reused == 1);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a warm connection that failed costs the send nothing but its own try") {
    relay::Endpoint nowhere = server.endpoint();
    nowhere.port = 1;
    upstream.warm(nowhere);
    CHECK(UpstreamFixture::send(nowhere).error() == boost::asio::error::connection_refused);
  }

  TEST_CASE_FIXTURE(Fixture, "an address that refuses is followed by the next") {
    support::FakeNameServer names(io);
    names.records["two.test"] = {
        {boost::asio::ip::make_address("127.0.0.2"), boost::asio::ip::make_address("127.0.0.1")}};
    relay::HttpUpstream named(io.get_executor(), clock, log, {.name_servers = {names.address()}});
    const auto request = request_to(server.endpoint("two.test"));
    CHECK(support::run(io, named.send(request, progress)).has_value());
    CHECK(server.accepted == 1);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "behind one that refused the address that was reached stays the first") {
    using boost::asio::ip::make_address;
    support::FakeNameServer names(io);
    names.records["two.test"] = {{make_address("127.0.0.2"), make_address("127.0.0.1")}};
    Resolved watch;
    relay::HttpUpstream named(io.get_executor(), clock, log,
                              {.name_servers = {names.address()}, .watch = &watch});
    const auto request = request_to(server.endpoint("two.test"));
    const auto reached_by = [&] {
      server.close_idle();
      watch.reached = boost::asio::ip::address();
      REQUIRE(support::run(io, named.send(request, progress)).has_value());
      return watch.reached;
    };
    CHECK(reached_by() == make_address("127.0.0.1"));
    const boost::asio::ip::tcp::acceptor back(io, {make_address("127.0.0.2"), server.port()});
    named.forget_names();
    CHECK(reached_by() == make_address("127.0.0.1"));

    // Gone from the answer it is nobody's.
    names.records["two.test"] = {{make_address("127.0.0.3")}};
    named.forget_names();
    server.close_idle();
    CHECK(support::run(io, named.send(request, progress)).error() ==
          boost::asio::error::connection_refused);
  }

  TEST_CASE_FIXTURE(Fixture, "an address of many still has time for a long round trip") {
    BlackHole hole(io);
    support::FakeNameServer names(io);
    Resolved resolved;
    relay::HttpUpstream named(io.get_executor(), clock, log,
                              {.name_servers = {names.address()}, .watch = &resolved});
    for (const auto& [count, first] : {std::pair{3, 500}, std::pair{4, 400}, std::pair{8, 400}}) {
      CAPTURE(count);
      resolved.done = false;
      std::vector<boost::asio::ip::address> addresses(static_cast<std::size_t>(count),
                                                      boost::asio::ip::address_v4::loopback());
      const std::string name = std::to_string(count) + ".test";
      names.records[name] = {std::move(addresses)};
      relay::Endpoint endpoint = server.endpoint(name);
      endpoint.port = hole.port();
      const auto request = request_to(endpoint);
      support::Started<support::Answer> sending(io, named.send(request, progress));
      support::until(io, [&] { return resolved.done; });
      support::settle(io);
      CHECK(clock.next_wake() == clock.now() + milliseconds{first});
      for (int tried = 0; tried < 4 && !sending.done(); ++tried) {
        clock.advance(milliseconds{first});
        support::settle(io);
      }
      CHECK(sending.get().error() == boost::asio::error::timed_out);
    }
  }

  TEST_CASE("a host allowed only by suffix must not lead to an address that is not public") {
    support::UpstreamFixture fixture;
    FakeUpstream server(fixture.io);
    support::FakeNameServer names(fixture.io);
    names.records["inside.test"] = {{boost::asio::ip::make_address("127.0.0.1")}};
    names.records["mixed.test"] = {
        {boost::asio::ip::make_address("1.1.1.1"), boost::asio::ip::make_address("10.0.0.1")}};
    relay::HttpUpstream upstream(fixture.io.get_executor(), fixture.clock, fixture.log,
                                 {.name_servers = {names.address()}});
    SendProgress progress;
    for (const char* host : {"inside.test", "mixed.test", "127.0.0.1"}) {
      CAPTURE(host);
      relay::Endpoint endpoint = server.endpoint(host);
      endpoint.any_address = false;
      const auto request = request_to(endpoint);
      CHECK(support::run(fixture.io, upstream.send(request, progress)).error() ==
            Errc::address_forbidden);
    }
    CHECK(server.accepted == 0);

    const auto request = request_to(server.endpoint("inside.test"));
    CHECK(support::run(fixture.io, upstream.send(request, progress)).has_value());
  }
}
