// The relay as a whole: real sockets in front, a scripted upstream behind. However a case ends, the
// accounts that /stats shows must balance.
#include "relay/relay.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <simdjson.h>

#include "relay/snapshot.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/local_client.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/memory_journal.hpp"
#include "tests/support/records.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scripted_upstream.hpp"

namespace asio = boost::asio;
using relay::Gate;
using relay::milliseconds;
using support::body_of;
using support::kKey;
using support::LocalClient;
using support::status_of;

namespace {

const std::string kAuth = "X-Sentry-Auth: Sentry sentry_key=" + kKey + ", sentry_version=7\r\n";
const std::string kEvent = "{}\n{\"type\":\"event\"}\n{}";
constexpr std::string_view kPath = "/api/42/envelope/";

std::uint64_t no_jitter() { return 0; }

/// A figure of /stats by its JSON pointer; 0 where there is none.
std::uint64_t figure(const std::string& stats, const std::string& pointer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  REQUIRE(parser.parse(stats).get(root) == simdjson::SUCCESS);
  std::uint64_t value = 0;
  if (root.at_pointer(pointer).get(value) != simdjson::SUCCESS) return 0;
  return value;
}

std::uint64_t sum(simdjson::dom::element object) {
  std::uint64_t total = 0;
  simdjson::dom::object members;
  REQUIRE(object.get(members) == simdjson::SUCCESS);
  for (const auto [key, value] : members) {
    std::uint64_t count = 0;
    REQUIRE(value.get(count) == simdjson::SUCCESS);
    total += count;
  }
  return total;
}

/// accepted + recovered = delivered + refused + dropped + waiting, in each category.
void check_accounts(const std::string& stats) {
  simdjson::dom::parser parser;
  simdjson::dom::object items;
  REQUIRE(parser.parse(stats)["items"].get(items) == simdjson::SUCCESS);
  for (const auto [name, category] : items) {
    CAPTURE(std::string(name));
    const auto count = [&](const char* key) {
      std::uint64_t value = 0;
      REQUIRE(category[key].get(value) == simdjson::SUCCESS);
      return value;
    };
    CHECK(count("accepted") + count("recovered") ==
          count("delivered") + sum(category["refused"].value_unsafe()) +
              sum(category["dropped"].value_unsafe()) + count("waiting"));
  }
}

class Bench {
 public:
  explicit Bench(relay::Settings settings = {})
      : relay(std::make_unique<relay::Relay>(io.get_executor(), clock, log, upstream, journal,
                                             with_one_dsn(std::move(settings)), no_jitter)) {
    REQUIRE(relay->bind() != 0);
    relay->set_gate(Gate::open);
    relay->start();
    settle();
  }

  ~Bench() {
    check_accounts(stats());
    support::run(io, stopped());
    relay.reset();
    settle();
    CHECK(upstream.hanging() == 0);
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void settle() { support::settle(io); }

  void advance(std::int64_t milliseconds) {
    clock.advance(relay::milliseconds{milliseconds});
    settle();
  }

  std::unique_ptr<LocalClient> client() { return std::make_unique<LocalClient>(io, relay->port()); }

  std::string ask(std::string_view text) {
    const auto asking = client();
    asking->send(text);
    auto answer = asking->answer();
    settle();
    return answer;
  }

  std::string send(std::string_view envelope = kEvent) {
    return ask(support::post(kPath, envelope, kAuth));
  }

  std::string get(std::string_view path, std::string_view host) {
    return ask("GET " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
  }

  [[nodiscard]] std::string stats() const { return relay->stats_json(); }

  [[nodiscard]] std::uint64_t figure(const std::string& pointer) const {
    return ::figure(stats(), pointer);
  }

  asio::awaitable<bool> drained(milliseconds time) {
    co_await relay->drain(clock.now() + time, true);
    co_return true;
  }

  asio::awaitable<bool> stopped() {
    co_await relay->stop();
    co_return true;
  }

  asio::awaitable<bool> changed(milliseconds time) {
    co_await relay->changed_until(clock.now() + time);
    co_return true;
  }

  asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  support::ScriptedUpstream upstream{io.get_executor()};
  support::MemoryJournal journal;
  std::unique_ptr<relay::Relay> relay;

 private:
  static relay::Settings with_one_dsn(relay::Settings settings) {
    settings.listener.port = 0;
    settings.route.configured = {support::dsn("https://" + kKey + "@up.example/42")};
    return settings;
  }
};

using support::Started;

}  // namespace

TEST_SUITE_BEGIN("relay/relay");

TEST_CASE("an envelope goes in by a socket and out upstream, and /stats tells both") {
  Bench bench;
  CHECK_FALSE(bench.relay->anything_to_say());
  CHECK(status_of(bench.send()) == "200");
  REQUIRE(bench.upstream.calls() == 1);
  CHECK(bench.upstream.call(0).request.target == "/api/42/envelope/");
  CHECK(bench.upstream.call(0).decoded().ends_with("\n{\"type\":\"event\"}\n{}"));
  CHECK(bench.figure("/items/error/accepted") == 1);
  CHECK(bench.figure("/items/error/delivered") == 1);
  CHECK(bench.figure("/envelopes/delivered") == 1);
  CHECK(bench.figure("/upstream/requests") == 1);
  CHECK(bench.relay->anything_to_say());
  CHECK(bench.relay->work().none());
}

TEST_CASE("every path has its answer") {
  struct Row {
    std::string request;
    std::string status;
  };

  const std::string host = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  for (const auto& row : std::vector<Row>{
           {"GET /" + host, "200"},
           {"POST /" + host, "404"},
           {"GET /stats" + host, "200"},
           {"GET /stats?x=1" + host, "200"},
           {"GET /health" + host, "200"},
           {"GET /api/relay/healthcheck/live/" + host, "200"},
           {"GET /api/relay/healthcheck/ready/" + host, "200"},
           {"GET /api/relay/healthcheck/ready" + host, "200"},
           {"GET /nothing" + host, "404"},
           {"POST /nothing" + host, "404"},
           {"POST /stats" + host, "404"},
           {"DELETE /stats" + host, "404"},
           {"POST /envelope" + host, "400"},
           {"GET /envelope" + host, "404"},
           {"GET /api/42/envelope/" + host, "405"},
           {"OPTIONS /api/42/envelope/" + host, "405"},
       }) {
    CAPTURE(row.request);
    Bench bench;
    const auto answer = bench.ask(row.request);
    CHECK(status_of(answer) == row.status);
    if (row.status == "405") CHECK(answer.find("Allow: POST\r\n") != std::string::npos);
  }
  Bench bench;
  CHECK(body_of(bench.get("/health", "anything")) == R"({"is_healthy":true})");
  CHECK(body_of(bench.get("/envelope", "localhost")) == R"({"error":"Not found"})");
}

TEST_CASE("/stats and the page are shown to loopback names only") {
  struct Row {
    std::string host;
    std::string status;
  };

  for (const auto& row : std::vector<Row>{{"localhost", "200"},
                                          {"localhost:9797", "200"},
                                          {"LOCALHOST.", "200"},
                                          {"127.0.0.1:1", "200"},
                                          {"127.1.2.3", "200"},
                                          {"[::1]:9797", "200"},
                                          {"[::1]", "200"},
                                          {"", "403"},
                                          {"evil.example", "403"},
                                          {"localhost.evil.example", "403"},
                                          {"127.0.0.1.evil.example", "403"},
                                          {"localhost@evil.example", "403"},
                                          {"10.0.0.1", "403"},
                                          {"0.0.0.0", "403"}}) {
    CAPTURE(row.host);
    Bench bench;
    CHECK(status_of(bench.get("/stats", row.host)) == row.status);
    CHECK(status_of(bench.get("/", row.host)) == row.status);
  }
}

TEST_CASE("the page comes as HTML that may do nothing but what is in it") {
  Bench bench;
  bench.send();
  const std::string answer = bench.get("/", "localhost");
  for (const auto* line :
       {"Content-Type: text/html; charset=utf-8\r\n",
        "Content-Security-Policy: default-src 'none';", "X-Content-Type-Options: nosniff\r\n",
        "Referrer-Policy: no-referrer\r\n", "Cache-Control: no-store\r\n"}) {
    CAPTURE(line);
    CHECK(answer.find(line) != std::string::npos);
  }
  CHECK(body_of(answer).find("<h1 id=\"headline\">All delivered</h1>") != std::string::npos);
}

TEST_CASE("the figures on a connection and from the inside are the same") {
  Bench bench;
  bench.send();
  bench.ask("rubbish\r\n\r\n");
  CHECK(body_of(bench.get("/stats", "localhost")) == bench.stats());
  CHECK(bench.figure("/rejected/malformed") == 1);
}

TEST_CASE("the host's own figures stand beside the relay's") {
  Bench bench;
  bench.relay->set_host_figures([] {
    relay::HostFigures figures;
    figures.invokes = 7;
    return figures;
  });
  CHECK(bench.figure("/invokes") == 7);
  CHECK(bench.figure("/envelopes/accepted") == 0);
}

TEST_CASE("work is none only when nothing is half read, due or on its way") {
  Bench bench;
  bench.upstream.hangs();
  CHECK(bench.relay->work().none());
  const auto client = bench.client();
  const auto request = support::post(kPath, kEvent, kAuth);
  client->send(std::string_view(request).substr(0, 10));
  bench.settle();
  CHECK(bench.relay->work().receiving == 1);
  client->send(std::string_view(request).substr(10));
  client->answer();
  // From accepted over due to in flight, however often one looks.
  for (int i = 0; i < 20; ++i) {
    CHECK_FALSE(bench.relay->work().none());
    bench.io.poll_one();
  }
  CHECK(bench.relay->work().in_flight == 1);
  bench.upstream.answer(0, 503);
  bench.settle();
  CHECK(bench.relay->work().none());  // it backs off: not due
  bench.advance(1000);
  CHECK(bench.figure("/envelopes/delivered") == 1);
  CHECK(bench.relay->work().none());
}

TEST_CASE("whoever waits for a change is told of a request's begin and end and of an answer") {
  Bench bench;
  bench.upstream.hangs();
  Started<bool> first(bench.io, bench.changed(milliseconds{1000}));
  const auto client = bench.client();
  client->send("P");
  CHECK(first.get());
  const auto request = support::post(kPath, kEvent, kAuth);
  Started<bool> second(bench.io, bench.changed(milliseconds{1000}));
  client->send(std::string_view(request).substr(1));
  CHECK(second.get());
  client->answer();
  bench.settle();
  Started<bool> third(bench.io, bench.changed(milliseconds{1000}));
  bench.settle();
  CHECK_FALSE(third.done());
  bench.upstream.answer(0, 200);
  CHECK(third.get());
}

TEST_CASE("draining ends as soon as nothing is left") {
  Bench bench;
  bench.upstream.hangs();
  bench.send();
  Started<bool> draining(bench.io, bench.drained(milliseconds{2000}));
  bench.settle();
  CHECK_FALSE(draining.done());
  bench.upstream.answer(0, 200);
  bench.settle();
  CHECK(draining.done());
  CHECK(bench.figure("/envelopes/delivered") == 1);
}

TEST_CASE("draining takes in what still comes, and tries again what failed") {
  Bench bench;
  bench.upstream.answers(503);
  bench.send();
  CHECK(bench.upstream.calls() == 1);
  Started<bool> draining(bench.io, bench.drained(milliseconds{2000}));
  bench.settle();
  CHECK(status_of(bench.send()) == "200");
  CHECK_FALSE(draining.done());
  bench.advance(100);
  CHECK(draining.done());
  CHECK(bench.figure("/envelopes/delivered") == 2);
}

TEST_CASE("what cannot be sent by the end of the drain is dropped, and later ones are told so") {
  Bench bench;
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 6; ++i) bench.send();
  const auto half = bench.client();
  half->send("POST /api/42/envelope/ HTTP/1.1\r\n");
  Started<bool> draining(bench.io, bench.drained(milliseconds{2000}));
  bench.settle();
  bench.advance(1999);
  CHECK_FALSE(draining.done());
  bench.advance(1);
  CHECK(draining.get());
  CHECK(bench.figure("/items/error/dropped/network_error") == 6);
  CHECK(bench.figure("/envelopes/waiting") == 0);
  CHECK(bench.figure("/task_failures") == 0);
  CHECK(bench.lines.lines.empty());
  const auto late = bench.send();
  CHECK(status_of(late) == "503");
  CHECK(body_of(late) == R"({"detail":"failed to queue envelope"})");
  CHECK(bench.figure("/rejected/closing") == 1);
}

TEST_CASE("stopped in the middle of everything, the relay may die") {
  Bench bench;
  bench.upstream.otherwise_hangs = true;
  for (int i = 0; i < 3; ++i) bench.send();
  const auto half = bench.client();
  half->send("POST /api/42/envelope/ HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe");
  const auto idle = bench.client();
  bench.settle();
  CHECK(bench.relay->work().receiving == 1);
}

TEST_CASE("an envelope in the gap is answered, and leaves behind the next invoke") {
  Bench bench;
  bench.relay->set_gate(Gate::late);
  CHECK(status_of(bench.send("{}\n{\"type\":\"session\"}\n{}")) == "200");
  CHECK(bench.upstream.calls() == 0);
  CHECK(bench.relay->work().due == 1);
  bench.relay->thawed();
  bench.relay->set_gate(Gate::open);
  bench.settle();
  CHECK(bench.figure("/envelopes/delivered") == 1);
}

TEST_CASE("limits upstream sets come back to the SDK with its next answer") {
  Bench bench;
  bench.upstream.answers(429, "60:error:organization");
  bench.send();
  const auto answer = bench.send();
  CHECK(status_of(answer) == "200");
  CHECK(answer.find("X-Sentry-Rate-Limits: 60:error:key\r\n") != std::string::npos);
  bench.settle();
  CHECK(bench.figure("/items/error/refused/429") == 1);
  CHECK(bench.figure("/items/error/dropped/ratelimit_backoff") == 1);
}

TEST_CASE("a page of another site may neither send nor read, unless it is named") {
  relay::Settings settings;
  settings.origins = {true, {"https://app.example.com"}};
  Bench bench(std::move(settings));
  const auto post = [&](const std::string& origin) {
    return bench.ask(support::post(kPath, kEvent, kAuth + "Origin: " + origin + "\r\n"));
  };
  for (const auto* origin : {"https://evil.example.com", "null"}) {
    const auto answer = post(origin);
    CHECK(status_of(answer) == "403");
    CHECK(answer.find("--allow-origin") != std::string::npos);
    CHECK(answer.find("Access-Control") == std::string::npos);
  }
  CHECK(status_of(post("http://localhost:3000\r\nOrigin: http://localhost:3000")) == "403");
  CHECK(bench.figure("/rejected/not_allowed") == 3);
  CHECK(bench.upstream.calls() == 0);

  const auto local = post("http://localhost:3000");
  CHECK(status_of(local) == "200");
  CHECK(local.find("Access-Control") == std::string::npos);
  const auto named = post("https://app.example.com");
  CHECK(status_of(named) == "200");
  CHECK(named.find("Access-Control-Allow-Origin: https://app.example.com\r\n") !=
        std::string::npos);
  CHECK(bench.upstream.calls() == 2);
}

TEST_CASE("a preflight is for a named page, and for what SDKs send") {
  relay::Settings settings;
  settings.origins = {true, {"https://app.example.com"}};
  Bench bench(std::move(settings));
  const auto ask = [&](std::string_view method, std::string_view path, std::string_view origin) {
    std::string text(method);
    text.append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\nOrigin: ");
    return bench.ask(text.append(origin).append("\r\n\r\n"));
  };
  const auto yes = ask("OPTIONS", kPath, "https://app.example.com");
  CHECK(status_of(yes) == "200");
  CHECK(yes.find("Access-Control-Allow-Methods: POST\r\n") != std::string::npos);
  CHECK(status_of(ask("OPTIONS", kPath, "https://other.example.com")) == "403");
  CHECK(status_of(ask("OPTIONS", kPath, "http://localhost:3000")) == "405");
  CHECK(status_of(ask("OPTIONS", "/stats", "https://app.example.com")) == "404");
  const auto stats = ask("GET", "/stats", "https://app.example.com");
  CHECK(stats.find("Access-Control") == std::string::npos);
  CHECK(status_of(ask("GET", "/stats", "https://other.example.com")) == "403");
  CHECK(bench.figure("/rejected/not_allowed") == 1);
}

TEST_CASE("in a function nobody asks where a page is from") {
  Bench bench;
  const auto answer =
      bench.ask(support::post(kPath, kEvent, kAuth + "Origin: https://example.com\r\n"));
  CHECK(status_of(answer) == "200");
  CHECK(answer.find("Access-Control") == std::string::npos);
}

TEST_CASE("many clients with many envelopes under every kind of answer: nothing goes uncounted") {
  Bench bench;
  const std::vector<unsigned> statuses{200, 429, 500, 503, 403, 200, 413, 500, 502, 200};
  for (int i = 0; i < 100; ++i) {
    bench.upstream.answers(statuses[static_cast<std::size_t>(i) % statuses.size()],
                           i % 7 == 0 ? "1:session:key" : "");
  }
  for (int i = 0; i < 60; ++i) {
    const std::string items = support::item("event") + support::item("attachment", "abc") +
                              support::item("session") + support::item("client_report");
    CHECK(status_of(bench.send("{}\n" + items)) == "200");
    bench.advance(300);
    check_accounts(bench.stats());
  }
  for (int i = 0; i < 200; ++i) bench.advance(1000);
  check_accounts(bench.stats());
  CHECK(bench.figure("/envelopes/waiting") == 0);
}

TEST_CASE("what an earlier process left for a DSN of other settings is dropped with a word") {
  Bench bench;
  relay::RequestMeta meta;
  meta.dsn = "https://" + kKey + "@elsewhere.example/43";
  auto head = support::head_of(std::move(meta));
  head.counts.add(proto::Category::error, 1);
  REQUIRE(bench.journal.keep(head, "{}\n{\"type\":\"event\"}\n{}"));
  bench.journal.restart();
  bench.relay->recover();
  bench.settle();
  CHECK(bench.figure("/items/error/dropped/not_allowed") == 1);
  REQUIRE(bench.lines.lines.size() == 1);
  CHECK(bench.lines.lines[0].find("dropped 1 items that an earlier process has left") !=
        std::string::npos);
}

TEST_CASE("a recovery that failed in the middle goes on with the next invoke") {
  Bench bench;
  relay::RequestMeta meta;
  meta.dsn = "https://" + kKey + "@up.example/42";
  auto head = support::head_of(std::move(meta));
  head.counts.add(proto::Category::error, 1);
  REQUIRE(bench.journal.keep(head, "{}\n{\"type\":\"event\"}\n{}"));
  bench.journal.restart();
  bench.journal.recovery_throws = true;
  bench.relay->recover();
  bench.settle();
  CHECK(bench.figure("/envelopes/recovered") == 0);
  bench.relay->retry();
  bench.settle();
  CHECK(bench.figure("/envelopes/recovered") == 1);
}

TEST_CASE("to start over forgets everything, drops what waited, and goes on") {
  Bench bench;
  bench.upstream.answers(200, "60:error:key");
  bench.send("{}\n{\"type\":\"session\"}\n{}");
  bench.upstream.hangs();
  bench.send("{}\n{\"type\":\"session\"}\n{}");
  bench.relay->set_gate(Gate::late);
  bench.send("{}\n{\"type\":\"session\"}\n{}");
  CHECK(bench.relay->start_over() == 2);
  CHECK(bench.relay->anything_to_say());
  CHECK(bench.figure("/envelopes/accepted") == 0);
  CHECK(bench.figure("/envelopes/delivered") == 0);
  CHECK(bench.figure("/items/session/recovered") == 2);
  CHECK(bench.figure("/items/session/dropped/snapshot") == 2);
  CHECK(bench.figure("/bytes_in") == 0);
  CHECK(bench.journal.kept.empty());

  bench.relay->thawed();
  bench.relay->set_gate(Gate::open);
  bench.send();
  CHECK(bench.figure("/items/error/delivered") == 1);
}

TEST_CASE("each thaw forgets the addresses of names, however long they were to live") {
  Bench bench;
  bench.relay->thawed();
  CHECK(bench.upstream.names_forgotten == 1);
  bench.relay->thawed();
  CHECK(bench.upstream.names_forgotten == 2);
}

TEST_SUITE_END();
