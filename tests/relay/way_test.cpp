// What is remembered from one request to the next, all of it together: the header's bytes, its
// meaning, the call, the way. Whatever comes in whatever order, nothing is answered or sent
// otherwise than by a relay that has seen no request before.
#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "proto/codec.hpp"
#include "relay/intake.hpp"
#include "relay/request_reader.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/records.hpp"

namespace {

using support::kKey;
using support::kOtherKey;

/// What reads and takes in requests, with all that it remembers.
struct Front {
  explicit Front(const relay::RouteSettings& route)
      : destinations(route.max_dsns, relay::Compression::zstd, 3),
        intake({1U << 20U, false}, route,
               {clock, backlog, destinations, stats, [] { return std::uint16_t{9797}; },
                [] { return relay::milliseconds{0}; }, [] {}, [] { return std::uint64_t{7}; }}) {}

  /// What it answers, and what it has taken.
  std::string take(std::string_view bytes) {
    reader.restart();
    while (!reader.complete()) {
      boost::system::error_code ec;
      bytes.remove_prefix(reader.take(bytes, ec));
      REQUIRE_FALSE(ec);
      if (const auto wanted = reader.wanted_room()) reader.give_room(wanted);
    }
    REQUIRE(bytes.empty());
    relay::LocalRequest& request = reader.request();
    if (!call || call->header != request.header) call.emplace(request.header);
    const std::uint64_t before = stats.envelopes_accepted;
    const std::uint64_t rejected = stats.ledger.rejected();
    const auto answer = intake.take(std::move(request), *call);
    std::string said = std::to_string(answer.status) + answer.body + "|" +
                       std::string(answer.content_type) + "|" + answer.headers;
    said += "|" + std::to_string(stats.ledger.rejected() - rejected);
    if (stats.envelopes_accepted == before) return said;
    const relay::Entry& entry = *backlog.newest();
    const relay::RecordHead& head = entry.parcel->head();
    for (const std::string* text : std::initializer_list<const std::string*>{
             &entry.destination->dsn, &head.meta->dsn, &head.meta->client, &head.meta->user_agent,
             &head.meta->method, &head.meta->target, &head.meta->content_type,
             &destinations.last_used()->dsn}) {
      said += "|" + *text;
    }
    said += "|" + std::string(entry.parcel->body());
    backlog.deliver(entry.id);
    return said;
  }

  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  relay::Stats stats;
  relay::NoJournal journal;
  relay::Backlog backlog{{}, journal, stats};
  relay::Destinations destinations;
  relay::Intake intake;
  relay::RequestReader reader{relay::ListenerSettings{}};
  std::optional<relay::Call> call;
};

class Requests {
 public:
  explicit Requests(std::uint32_t seed) : random_(seed) {}

  std::string next() {
    // Most SDKs repeat themselves; some change one thing.
    for (std::size_t& choice : choices_) {
      if (random_() % 8 == 0) choice = random_();
    }
    return text();
  }

 private:
  const std::string& pick(std::size_t which, const std::vector<std::string>& from) const {
    return from[choices_.at(which) % from.size()];
  }

  [[nodiscard]] std::string body() const {
    static const auto event_for = [](const std::string& dsn) {
      return R"({"dsn":")" + dsn + "\"}\n{\"type\":\"event\"}\n{}";
    };
    static const std::vector<std::string> bodies{
        "{}\n{\"type\":\"event\"}\n{}",
        event_for("https://" + kKey + "@up.example/42"),
        event_for("https://" + kOtherKey + "@up.example/42"),
        event_for("https://" + kKey + "@o1.ingest.us.sentry.io/42"),
        event_for("https://" + kKey + "@o2.ingest.us.sentry.io/42"),
        event_for("https://" + kOtherKey + "@o1.ingest.us.sentry.io/43"),
        event_for("https://" + kKey + "@evil.example/42"),
        "{}",
        "no envelope"};
    return pick(0, bodies);
  }

  [[nodiscard]] std::string text() const {
    static const std::vector<std::string> paths{"/api/42/envelope/",
                                                "/api/43/envelope/",
                                                "/o1.ingest.us.sentry.io/api/42/envelope/",
                                                "/evil.example/api/42/envelope/",
                                                "/envelope",
                                                "/api/42/store/",
                                                "/api/42/cron/nightly/" + kKey + "/",
                                                "/api/42/minidump/"};
    static const std::vector<std::string> queries{"", "", "?sentry_key=" + kKey,
                                                  "?sentry_key=" + kOtherKey, "?a=1"};
    static const std::vector<std::string> auths{
        "",
        "X-Sentry-Auth: Sentry sentry_key=" + kKey + "\r\n",
        "X-Sentry-Auth: Sentry sentry_key=" + kKey + ", sentry_client=py/1\r\n",
        "X-Sentry-Auth: Sentry sentry_key=" + kOtherKey + "\r\n",
        "Authorization: Sentry sentry_key=" + kKey + "\r\n",
        "X-Sentry-Auth: Sentry sentry_key=short\r\n"};
    static const std::vector<std::string> types{
        "", "Content-Type: application/x-sentry-envelope\r\n", "Content-Type: text/plain\r\n"};
    static const std::vector<std::string> agents{"", "User-Agent: a\r\n", "User-Agent: b\r\n"};
    static const std::vector<std::string> codings{"", "gzip", "br", "odd"};
    std::string body = this->body();
    const std::string& coding = pick(6, codings);
    if (coding == "gzip") {
      proto::Bytes out;
      proto::encode(proto::Encoding::gzip, body, "", out);
      body = out.view();
    }
    const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
    const bool first = choices_[7] % 3 == 1;
    std::string head = "POST " + pick(1, paths) + pick(2, queries) + " HTTP/1.1\r\nHost: x\r\n" +
                       (first ? length : "") + pick(3, auths) + pick(4, types) + pick(5, agents);
    if (!coding.empty()) head += "Content-Encoding: " + coding + "\r\n";
    if (choices_[7] % 3 != 0) return head + (first ? "" : length) + "\r\n" + body;
    std::array<char, 16> size{};
    const auto end = std::to_chars(size.begin(), size.end(), body.size(), 16).ptr;
    return head + "Transfer-Encoding: chunked\r\n\r\n" + std::string(size.data(), end) + "\r\n" +
           body + "\r\n0\r\n\r\n";
  }

  std::mt19937 random_;
  std::array<std::size_t, 8> choices_{};
};

}  // namespace

TEST_SUITE_BEGIN("relay/way");

TEST_CASE("whatever came before, a request is answered and sent as if it were the first") {
  for (const int world : {0, 1, 2}) {
    CAPTURE(world);
    relay::RouteSettings route;
    if (world > 0) route.configured = {support::dsn("https://" + kKey + "@up.example/42")};
    if (world > 1) route.allowed_hosts = {{"ingest.us.sentry.io", true, true, 443}};
    Front seasoned(route);
    Requests requests(static_cast<std::uint32_t>(world));
    int accepted = 0;
    for (int i = 0; i < 2000; ++i) {
      const std::string request = requests.next();
      const std::string expected = Front(route).take(request);
      CAPTURE(request);
      REQUIRE(seasoned.take(request) == expected);
      accepted += expected.starts_with("20") ? 1 : 0;
    }
    // Neither all nor nothing, or it shows nothing.
    CHECK(accepted > 100);
    CHECK(accepted < 1900);
  }
}

TEST_SUITE_END();
