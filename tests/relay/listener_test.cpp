// Local HTTP on real sockets: what is read, what is refused, and who gets a place.
#include "relay/listener.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <sys/resource.h>

#include "tests/support/envelopes.hpp"
#include "tests/support/local_client.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"

using relay::milliseconds;
using relay::RejectReason;
using support::body_of;
using support::LocalClient;
using support::post;
using support::status_of;

using namespace std::string_view_literals;

namespace {

class Bench {
 public:
  explicit Bench(relay::ListenerSettings settings = {})
      : listener(io.get_executor(), clock, log, with_free_port(settings), hooks()) {
    REQUIRE(listener.bind() != 0);
    listener.start();
    settle();
  }

  ~Bench() {
    listener.close();
    listener.stop();
    settle();
    CHECK(listener.clients() == 0);
    CHECK(listener.receiving() == 0);
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  std::unique_ptr<LocalClient> client(bool small_buffers = false) {
    auto made = std::make_unique<LocalClient>(io, listener.port(), small_buffers);
    settle();
    return made;
  }

  /// Sends it on a connection of its own and returns what comes back first.
  std::string ask(std::string_view text) {
    const auto asking = client();
    asking->send(text);
    return asking->answer();
  }

  void settle() { support::settle(io); }

  void advance(std::int64_t milliseconds) {
    clock.advance(relay::milliseconds{milliseconds});
    settle();
  }

  [[nodiscard]] std::string last_body() const {
    return requests.empty() ? "" : std::string(requests.back().body.view());
  }

  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  std::vector<relay::LocalRequest> requests;
  std::vector<RejectReason> unanswerable;
  std::string unready;  ///< the body that needs more turns
  int first_bytes = 0;
  int failures = 0;
  bool answer_throws = false;
  std::string answer_body = "{}";
  relay::Listener listener;

 private:
  static relay::ListenerSettings with_free_port(relay::ListenerSettings settings) {
    settings.port = 0;
    return settings;
  }

  relay::Listener::Hooks hooks() {
    relay::Listener::Hooks hooks;
    hooks.ready = [this](const relay::LocalRequest& request) {
      return unready.empty() || request.body.view() != unready;
    };
    hooks.answer = [this](relay::LocalRequest request) {
      if (answer_throws) throw std::bad_alloc();
      requests.push_back(std::move(request));
      return relay::Answer{200, answer_body};
    };
    hooks.first_byte = [this] { ++first_bytes; };
    hooks.unanswerable = [this](RejectReason reason) { unanswerable.push_back(reason); };
    hooks.changed = [] {};
    hooks.failed = [this](const std::exception_ptr&) { ++failures; };
    return hooks;
  }
};

/// While it lives no descriptor can be opened.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const rlimit none{0, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }

  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;

 private:
  rlimit before_{};
};

using Reasons = std::vector<RejectReason>;

const std::string kChunkedHeader =
    "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";

/// "5\r\nhello\r\n"; the empty one is the last.
std::string chunk(std::string_view data) {
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  std::string text(size.data(), end);
  return text.append("\r\n").append(data).append("\r\n");
}

}  // namespace

TEST_SUITE_BEGIN("relay/listener");

TEST_CASE("a request with Content-Length is read whole, with the headers that matter") {
  Bench bench;
  const auto answer =
      bench.ask(post("/api/42/envelope/?a=b", "hello",
                     "X-Sentry-Auth: auth\r\nAuthorization: other\r\nContent-Type: text/x\r\n"
                     "Content-Encoding: gzip\r\nUser-Agent: sdk/1\r\nCookie: secret\r\n"));
  CHECK(answer ==
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  REQUIRE(bench.requests.size() == 1);
  const auto& header = *bench.requests[0].header;
  CHECK(header.method == "POST");
  CHECK(header.target == "/api/42/envelope/?a=b");
  CHECK(header.host == "127.0.0.1");
  CHECK(header.x_sentry_auth == "auth");
  CHECK(header.authorization == "other");
  CHECK(header.content_type == "text/x");
  CHECK(header.content_encoding == "gzip");
  CHECK(header.user_agent == "sdk/1");
  CHECK(bench.last_body() == "hello");
  CHECK(bench.first_bytes == 1);
}

TEST_CASE("a body may come in chunks of any size, with extensions and a trailer") {
  const std::string large(100'000, 'y');

  struct Row {
    std::string chunks, body;
  };

  std::string tiny;
  for (int i = 0; i < 300; ++i) tiny += "1\r\nx\r\n";
  for (const auto& row : std::vector<Row>{
           {"0\r\n\r\n", ""},
           {"5\r\nhello\r\n0\r\n\r\n", "hello"},
           {"5;name=value;other=\"quoted\"\r\nhello\r\n3;x\r\n, w\r\n0;y\r\n\r\n", "hello, w"},
           {tiny + "0\r\n\r\n", std::string(300, 'x')},
           {"186a0\r\n" + large + "\r\n0\r\nX-Trailer: 1\r\n\r\n", large},
           {"4000\r\n" + large.substr(0, 16384) + "\r\n0\r\n\r\n", large.substr(0, 16384)},
       }) {
    CAPTURE(row.body.size());
    Bench bench;
    CHECK(status_of(bench.ask(kChunkedHeader + row.chunks)) == "200");
    CHECK(bench.last_body() == row.body);
  }
}

TEST_CASE("a request that comes byte by byte is the same request") {
  Bench bench;
  const auto client = bench.client();
  for (const char byte : kChunkedHeader + "3\r\nabc\r\n0\r\n\r\n") {
    client->send({&byte, 1});
    bench.settle();
  }
  CHECK(status_of(client->answer()) == "200");
  CHECK(bench.last_body() == "abc");
}

TEST_CASE("a connection carries one request after another, also sent ahead") {
  Bench bench;
  const auto client = bench.client();
  client->send(post("/1", "one") + post("/2", "two") + kChunkedHeader + "3\r\nabc\r\n0\r\n\r\n" +
               "GET /4 HTTP/1.1\r\nHost: x\r\n\r\n");
  for (int i = 0; i < 4; ++i) CHECK(status_of(client->answer()) == "200");
  REQUIRE(bench.requests.size() == 4);
  CHECK(bench.requests[1].body.view() == "two");
  CHECK(bench.requests[2].body.view() == "abc");
  CHECK(bench.requests[3].header->method == "GET");
  CHECK_FALSE(client->ended());
  bench.advance(3'600'000);  // an idle connection is not closed for its age
  client->send(post("/5", ""));
  CHECK(status_of(client->answer()) == "200");
}

TEST_CASE("what is sent ahead leaves the others their turns") {
  constexpr std::size_t kRequests = 200;
  Bench bench;
  const auto client = bench.client();
  std::string text;
  for (std::size_t i = 0; i < kRequests; ++i) text += post("/x", "hello");
  client->send(text);
  std::size_t most = 0;
  support::until(bench.io, [&, before = bench.requests.size()]() mutable {
    most = std::max(most, bench.requests.size() - before);
    before = bench.requests.size();
    return before == kRequests;
  });
  CHECK(most == 16);
}

TEST_CASE("who asks for the end gets it, and HTTP/1.0 means it") {
  for (const std::string text :
       {"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    Bench bench;
    const auto client = bench.client();
    client->send(text);
    const auto answer = client->answer();
    CHECK(status_of(answer) == "200");
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    client->wait_for_end();
  }
}

TEST_CASE("a client that waits for 100 Continue is told to go on") {
  for (const std::string expectation : {"100-continue", "100-Continue"}) {
    CAPTURE(expectation);
    Bench bench;
    const auto client = bench.client();
    client->send("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: " + expectation +
                 "\r\n\r\n");
    CHECK(client->answer() == "HTTP/1.1 100 Continue\r\n\r\n");
    client->send("hello");
    CHECK(status_of(client->answer()) == "200");
    CHECK(bench.last_body() == "hello");
  }
}

TEST_CASE("a client that waits with a body that is too large is refused instead") {
  relay::ListenerSettings settings;
  settings.max_body_bytes = 4;
  Bench bench(settings);
  CHECK(status_of(bench.ask(
            "POST /x HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")) == "413");
}

TEST_CASE("the body: one below the limit, at it, and one more, by length and by chunks") {
  relay::ListenerSettings settings;
  settings.max_body_bytes = 1000;
  for (const std::size_t size : {999U, 1000U, 1001U}) {
    CAPTURE(size);
    const std::string body(size, 'x');
    const std::string status = size > 1000 ? "413" : "200";
    Bench bench(settings);
    const auto by_length = bench.ask(post("/x", body));
    CHECK(status_of(by_length) == status);
    CHECK(status_of(bench.ask(kChunkedHeader + chunk(body) + chunk(""))) == status);
    const std::string halves = chunk(body.substr(0, 500)) + chunk(body.substr(500));
    CHECK(status_of(bench.ask(kChunkedHeader + halves + chunk(""))) == status);
    CHECK(bench.requests.size() == (size > 1000 ? 0 : 3));
    if (size > 1000) {
      CHECK(body_of(by_length) == "Failed to buffer the request body: length limit exceeded");
      CHECK(bench.unanswerable == Reasons(3, RejectReason::too_large));
    }
  }
}

TEST_CASE("what is too large for the tunnel is told so in the tunnel's words") {
  relay::ListenerSettings settings;
  settings.max_body_bytes = 4;
  Bench bench(settings);
  for (const std::string target : {"/envelope", "/envelope?x", "/envelope/y"}) {
    const auto answer = bench.ask(post(target, "12345"));
    CHECK(status_of(answer) == "413");
    CHECK(answer.ends_with(
        R"({"error":"Failed to buffer the request body: length limit exceeded"})"));
  }
  CHECK(bench.unanswerable == Reasons(3, RejectReason::too_large));
}

TEST_CASE("a length beyond all bounds is refused like any other, and reserves nothing") {
  Bench bench;
  CHECK(status_of(bench.ask("POST /x HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n\r\n")) ==
        "413");
  CHECK(status_of(bench.ask(kChunkedHeader + "ffffffffffffffff\r\n")) == "413");
  CHECK(status_of(bench.ask(kChunkedHeader + "fffffffffffffffff\r\n")) == "400");
}

TEST_CASE("the header's fields: one below the limit, at it, and one more") {
  relay::ListenerSettings settings;
  settings.max_header_bytes = 1000;
  const std::string frame = "A: \r\n\r\n";
  for (const std::size_t size : {999U, 1000U, 1001U, 5000U, 100'000U}) {
    CAPTURE(size);
    Bench bench(settings);
    const std::string filler(size - frame.size(), 'x');
    const auto answer = bench.ask("GET / HTTP/1.1\r\nA: " + filler + "\r\n\r\n");
    CHECK(status_of(answer) == (size > 1000 ? "431" : "200"));
    CHECK(bench.unanswerable == Reasons(size > 1000 ? 1 : 0, RejectReason::too_large));
  }
}

TEST_CASE("chunk extensions and trailers without end are refused, and held by a bounded buffer") {
  for (const std::string& text : {kChunkedHeader + "5;" + std::string(200'000, 'x'),
                                  kChunkedHeader + "0\r\nX: " + std::string(200'000, 'x'),
                                  kChunkedHeader + std::string(200'000, '0')}) {
    Bench bench;
    const auto status = status_of(bench.ask(text));
    CHECK(status == "431");
    CHECK(bench.unanswerable.size() == 1);
  }
}

TEST_CASE("what is not HTTP is 400, counted, and the end of the connection") {
  const std::string two_codings =
      "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\n";
  for (const std::string_view text : std::initializer_list<std::string_view>{
           "\x16\x03\x01\x02\x00garbage\r\n\r\n"sv, "hello\r\n\r\n", "GET\r\n\r\n",
           "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nbroken\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: five\r\n\r\n",
           "POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
           "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\nGET / HTTP/1.1\r\n\r\n",
           "POST / HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n\r\nGET / HTTP/1.1\r\n\r\n",
           two_codings}) {
    CAPTURE(text);
    Bench bench;
    const auto client = bench.client();
    client->send(std::string(text));
    const auto answer = client->answer();
    CHECK(status_of(answer) == "400");
    CHECK(answer.find("Connection: close\r\n") != std::string::npos);
    CHECK(bench.unanswerable == Reasons{RejectReason::malformed});
    client->wait_for_end();
    CHECK(bench.listener.receiving() == 0);
  }
}

TEST_CASE("half a request and the end is abandoned; nothing at all is nothing") {
  for (const std::string part :
       {"", "P", "POST /x HTTP/1.1\r\n", "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel"}) {
    for (const bool reset : {false, true}) {
      CAPTURE(part);
      Bench bench;
      const auto client = bench.client();
      if (!part.empty()) client->send(part);
      bench.settle();
      CHECK(bench.listener.receiving() == (part.empty() ? 0 : 1));
      reset ? client->close() : client->end_of_stream();
      support::until(bench.io, [&] { return bench.listener.clients() == 0; });
      CHECK(bench.unanswerable == Reasons(part.empty() ? 0 : 1, RejectReason::abandoned));
      CHECK(bench.requests.empty());
    }
  }
}

TEST_CASE("a client that goes on writing can read why it was refused") {
  relay::ListenerSettings settings;
  settings.max_body_bytes = 64UL * 1024;
  Bench bench(settings);
  const auto client = bench.client();
  const std::string body(8UL * 1024 * 1024, 'x');
  client->send("POST /x HTTP/1.1\r\nContent-Length: 8388608\r\n\r\n");
  // It writes on until the listener has had enough of it, and looks for an answer only then.
  client->send(std::string_view(body).substr(0, 512UL * 1024));
  CHECK(status_of(client->answer()) == "413");
  bench.settle();
  CHECK(bench.listener.receiving() == 0);
}

TEST_CASE("a refused client that never goes away is let go after a while, and holds nothing up") {
  relay::ListenerSettings settings;
  settings.max_body_bytes = 4;
  Bench bench(settings);
  const auto client = bench.client();
  client->send("POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\n");
  CHECK(status_of(client->answer()) == "413");
  bench.settle();
  CHECK(bench.listener.receiving() == 0);
  CHECK(bench.listener.clients() == 1);
  bench.advance(1999);
  CHECK(bench.listener.clients() == 1);
  bench.advance(1);
  CHECK(bench.listener.clients() == 0);
}

TEST_CASE("a request has a limit of awake time to arrive, then it is 408") {
  relay::ListenerSettings settings;
  settings.read = milliseconds{1000};
  for (const std::string part : {"P", "POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel"}) {
    CAPTURE(part);
    Bench bench(settings);
    const auto client = bench.client();
    bench.advance(5000);  // before its first byte no time counts
    client->send(part);
    bench.settle();
    for (int i = 0; i < 3; ++i) bench.advance(250);
    CHECK(client->received().empty());
    bench.advance(250);
    const auto answer = client->answer();
    CHECK(status_of(answer) == "408");
    CHECK(answer.find("THAW_READ_MS") != std::string::npos);
    CHECK(bench.unanswerable == Reasons{RejectReason::timeout});
  }
}

TEST_CASE(
    "a freeze takes at most a slice of a request's time, and the request is finished behind it") {
  for (const bool steady_moves : {false, true}) {
    CAPTURE(steady_moves);
    relay::ListenerSettings settings;
    settings.read = milliseconds{1000};
    Bench bench(settings);
    const auto client = bench.client();
    client->send("POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel");
    bench.settle();
    bench.advance(250);
    const milliseconds hour{3'600'000};
    bench.clock.freeze(steady_moves ? hour : milliseconds{0}, hour);
    bench.settle();
    bench.advance(250);
    client->send("lo");
    CHECK(status_of(client->answer()) == "200");
    CHECK(bench.last_body() == "hello");
  }
}

TEST_CASE("each request of a connection has the whole limit") {
  relay::ListenerSettings settings;
  settings.read = milliseconds{1000};
  Bench bench(settings);
  const auto client = bench.client();
  for (int i = 0; i < 3; ++i) {
    client->send("POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel");
    bench.settle();
    for (int slice = 0; slice < 3; ++slice) bench.advance(250);
    client->send("lo");
    CHECK(status_of(client->answer()) == "200");
  }
}

TEST_CASE("a client that never reads its answers is let go, and the others are served meanwhile") {
  relay::ListenerSettings settings;
  settings.read = milliseconds{1000};
  Bench bench(settings);
  bench.answer_body = std::string(8UL * 1024 * 1024, 'x');
  const auto deaf = bench.client(true);
  deaf->send("GET / HTTP/1.1\r\n\r\n");
  bench.settle();
  CHECK(bench.listener.receiving() == 1);
  bench.answer_body = "{}";
  CHECK(status_of(bench.ask("GET / HTTP/1.1\r\n\r\n")) == "200");
  for (int i = 0; i < 5; ++i) bench.advance(250);
  CHECK(bench.listener.receiving() == 0);
}

TEST_CASE("an exception behind a request costs its connection, not the listener") {
  Bench bench;
  bench.answer_throws = true;
  const auto client = bench.client();
  client->send(post("/x", "hello"));
  client->wait_for_end();
  CHECK(client->received().empty());
  CHECK(bench.failures == 1);
  CHECK(bench.listener.receiving() == 0);
  CHECK(bench.listener.clients() == 0);
  bench.answer_throws = false;
  CHECK(status_of(bench.ask(post("/x", "hello"))) == "200");
}

TEST_CASE("clients: as many as allowed; for one more the longest idle one is closed") {
  relay::ListenerSettings settings;
  settings.max_clients = 2;
  Bench bench(settings);
  const auto first = bench.client();
  bench.advance(10);
  const auto second = bench.client();
  bench.advance(10);
  CHECK(bench.listener.clients() == 2);
  CHECK_FALSE(first->ended());
  first->send(post("/x", ""));  // the second is now idle for longer
  CHECK(status_of(first->answer()) == "200");
  const auto third = bench.client();
  CHECK(second->ended());
  CHECK_FALSE(first->ended());
  CHECK(bench.listener.clients() == 2);
  third->send(post("/x", ""));
  CHECK(status_of(third->answer()) == "200");
}

TEST_CASE("where all clients are busy the next one waits until one leaves or has been answered") {
  for (const bool leaves : {false, true}) {
    CAPTURE(leaves);
    relay::ListenerSettings settings;
    settings.max_clients = 1;
    Bench bench(settings);
    const auto busy = bench.client();
    busy->send("POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel");
    bench.settle();
    const auto next = bench.client();
    next->send(post("/y", ""));
    bench.settle();
    CHECK(bench.listener.clients() == 1);
    CHECK(bench.requests.empty());
    if (leaves) {
      busy->close();
    } else {
      busy->send("lo");
      CHECK(status_of(busy->answer()) == "200");
    }
    CHECK(status_of(next->answer()) == "200");
    CHECK(bench.requests.back().header->target == "/y");
  }
}

TEST_CASE("who becomes busy after the listener began to wait for the next one keeps its place") {
  relay::ListenerSettings settings;
  settings.max_clients = 1;
  Bench bench(settings);
  const auto busy = bench.client();  // idle: the listener waits for the next one, to close this
  busy->send("POST /x HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel");
  bench.settle();
  const auto next = bench.client();
  next->send(post("/y", ""));
  bench.settle();
  CHECK(bench.listener.clients() == 1);
  busy->send("lo");
  CHECK(status_of(busy->answer()) == "200");
  CHECK(status_of(next->answer()) == "200");
}

TEST_CASE("who has sent a request that is not yet read is not idle: it is answered, not closed") {
  relay::ListenerSettings settings;
  settings.max_clients = 1;
  Bench bench(settings);
  const auto kept = bench.client();
  // Both while the process was frozen: the loop sees them in this order.
  LocalClient next(bench.io, bench.listener.port());
  kept->send(post("/x", "hello"));
  CHECK(status_of(kept->answer()) == "200");
  bench.settle();
  CHECK(kept->ended());
  CHECK_FALSE(next.ended());
}

TEST_CASE("receiving counts what was begun and not yet answered, and begin and end are news") {
  Bench bench;
  CHECK_FALSE(bench.listener.last_activity().has_value());
  const auto client = bench.client();
  bench.advance(100);
  client->send("P");
  bench.settle();
  CHECK(bench.listener.receiving() == 1);
  CHECK(bench.listener.last_activity() == bench.clock.now());
  client->send("OST /x HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  bench.advance(100);
  CHECK(status_of(client->answer()) == "200");
  CHECK(bench.listener.receiving() == 0);
  CHECK(bench.listener.last_activity() == bench.clock.now());
}

TEST_CASE("a port that is taken gives another one, and the wanted one as soon as it is free") {
  Bench first;
  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  relay::ListenerSettings settings;
  const std::uint16_t wanted = first.listener.port();
  settings.port = wanted;
  relay::Listener::Hooks hooks;
  hooks.answer = [](const relay::LocalRequest&) { return relay::Answer{200, "{}"}; };
  hooks.first_byte = hooks.changed = [] {};
  hooks.unanswerable = [](RejectReason) {};
  hooks.failed = [](const std::exception_ptr&) {};
  relay::Listener second(io.get_executor(), clock, log, settings, hooks);
  CHECK(second.bind() != 0);
  CHECK(second.port() != wanted);
  REQUIRE(lines.lines.size() == 1);
  CHECK(lines.lines[0].find("port " + std::to_string(wanted) + " is taken") != std::string::npos);
  second.start();
  second.retry_bind();
  CHECK(second.port() != wanted);
  first.listener.close();
  second.retry_bind();
  CHECK(second.port() == wanted);
  support::settle(io);
  LocalClient client(io, wanted);
  client.send(post("/x", ""));
  CHECK(status_of(client.answer()) == "200");
  CHECK(lines.lines.size() == 1);
  second.close();
  second.stop();
  support::settle(io);
}

TEST_CASE("who needs more turns of the loop is no obstacle for others") {
  Bench bench;
  LocalClient slow(bench.io, bench.listener.port());
  LocalClient quick(bench.io, bench.listener.port());
  bench.unready = "slow";
  slow.send(post("/x", "slow"));
  quick.send(post("/x", "quick"));
  CHECK(status_of(quick.answer()) == "200");
  CHECK(bench.last_body() == "quick");
  CHECK(bench.listener.receiving() == 1);
  bench.clock.advance(milliseconds{100});
  bench.io.restart();
  for (int turn = 0; turn < 10; ++turn) bench.io.poll_one();
  CHECK(bench.listener.last_activity() == bench.clock.now());
  bench.unready.clear();
  CHECK(status_of(slow.answer()) == "200");
  CHECK(bench.last_body() == "slow");
}

TEST_CASE("without a descriptor the log blames the limit, not the port, and a later try succeeds") {
  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  relay::ListenerSettings settings;
  settings.port = 0;
  relay::Listener listener(io.get_executor(), clock, log, settings, {});
  {
    const NoDescriptors none;
    CHECK(listener.bind() == 0);
    listener.retry_bind();
    CHECK(listener.port() == 0);
  }
  REQUIRE(lines.lines.size() == 1);
  CHECK(lines.lines[0].find("taken") == std::string::npos);
  CHECK(lines.lines[0].find("limit of open files") != std::string::npos);
  listener.retry_bind();
  CHECK(listener.port() != 0);
  CHECK(lines.lines.size() == 1);
}

/// So that the body has to wait for its last byte.
void send_in_two(Bench& bench, LocalClient& client, std::string_view request) {
  client.send(std::string(request.substr(0, request.size() - 1)));
  bench.settle();
  client.send(std::string(request.substr(request.size() - 1)));
  bench.settle();
}

TEST_CASE("bodies that find no room wait for the oldest, within their own time") {
  relay::ListenerSettings settings;
  settings.max_receiving_bytes = 10;
  settings.read = milliseconds{1000};
  Bench bench(settings);
  const auto first = bench.client();
  const auto second = bench.client();
  const auto third = bench.client();
  const std::string_view head = "POST /x HTTP/1.1\r\nContent-Length: 8\r\n\r\n";
  first->send(std::string(head) + "1234");
  bench.settle();
  send_in_two(bench, *second, std::string(head) + "12345678");
  CHECK(second->received().empty());
  first->send("5678");
  CHECK(status_of(first->answer()) == "200");
  CHECK(status_of(second->answer()) == "200");

  first->send(std::string(head) + "1234");
  bench.settle();
  bench.advance(250);
  send_in_two(bench, *third, std::string(head) + "12345678");
  for (int i = 0; i < 4; ++i) bench.advance(250);
  CHECK(status_of(first->answer()) == "408");
  CHECK(status_of(third->answer()) == "200");
}

TEST_CASE("room that becomes free while a client is told to go on is not missed") {
  relay::ListenerSettings settings;
  settings.max_receiving_bytes = 10;
  Bench bench(settings);
  const auto first = bench.client();
  const auto second = bench.client();
  const std::string head = "POST /x HTTP/1.1\r\nContent-Length: 8\r\n";
  first->send(head + "\r\n1234");
  bench.settle();
  // In one turn of the loop: no room, then the room, then 100 Continue is written.
  second->send(head + "Expect: 100-continue\r\n\r\n");
  first->send("5678");
  CHECK(second->answer() == "HTTP/1.1 100 Continue\r\n\r\n");
  second->send("12345678");
  CHECK(status_of(second->answer()) == "200");
}

TEST_CASE("a small body never waits for slow large ones") {
  relay::ListenerSettings settings;
  settings.max_clients = 4;
  settings.max_receiving_bytes = 4000;
  Bench bench(settings);
  const auto slow = bench.client();
  slow->send("POST /x HTTP/1.1\r\nContent-Length: 4000\r\n\r\n1");
  bench.settle();
  for (const std::size_t size : {1000U, 1001U}) {
    CAPTURE(size);
    const auto client = bench.client();
    send_in_two(bench, *client,
                "POST /x HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" +
                    std::string(size, 'x'));
    CHECK(bench.requests.size() == 1);
  }
}

TEST_CASE("a body that comes whole needs no room of those that come slowly") {
  relay::ListenerSettings settings;
  settings.max_receiving_bytes = 10;
  Bench bench(settings);
  const auto slow = bench.client();
  slow->send("POST /x HTTP/1.1\r\nContent-Length: 8\r\n\r\n1234");
  bench.settle();
  const auto quick = bench.client();
  quick->send(post("/x", "12345678"));
  CHECK(status_of(quick->answer()) == "200");
}

TEST_SUITE_END();
