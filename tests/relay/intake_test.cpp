#include "relay/intake.hpp"

#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <malloc.h>

#include "proto/codec.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/local_requests.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/records.hpp"

using relay::Answer;
using relay::RejectReason;
using relay::RequestHeader;
using support::kKey;
using support::kOtherKey;

namespace {

const std::string kAuth = "Sentry sentry_key=" + kKey + ", sentry_version=7, sentry_client=py/1";
const std::string kEvent =
    "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{}";
const std::string kEventAnswer = R"({"id":"9ec79c33ec9942ab8353589fcb2e04dc"})";
constexpr std::string_view kPath = "/api/42/envelope/";

relay::RouteSettings one_dsn() {
  relay::RouteSettings settings;
  settings.configured = {support::dsn("https://" + kKey + "@up.example/42")};
  return settings;
}

struct Bench {
  explicit Bench(relay::RouteSettings route = one_dsn(), relay::BacklogSettings room = {},
                 std::size_t max_decoded = 1U << 20U, bool disabled = false)
      : backlog(room, journal, stats),
        destinations(route.max_dsns, relay::Compression::zstd, 3),
        intake({max_decoded, disabled}, route,
               {clock, backlog, destinations, stats, [] { return std::uint16_t{9797}; },
                [] { return relay::milliseconds{77}; }, [this] { ++accepted; },
                [] { return std::uint64_t{7}; }}) {}

  ~Bench() { CHECK(stats.ledger.balances(backlog.waiting())); }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Answer take(relay::LocalRequest request, std::string_view path = kPath,
              std::string_view query = "") {
    support::set(request, &RequestHeader::target, std::string(path).append("?").append(query));
    const relay::Call call(request.header);
    REQUIRE(call.endpoint.has_value());
    return intake.take(std::move(request), call);
  }

  Answer post(std::string_view body, std::string_view path = kPath) {
    return take(support::local_request(body, kAuth), path);
  }

  /// As one of the requests that share the call's header.
  unsigned take(const relay::Call& call, std::string_view body) {
    relay::LocalRequest request{call.header, proto::Bytes::copy_of(body)};
    return intake.take(std::move(request), call).status;
  }

  const relay::RequestMeta* meta(std::uint64_t id) {
    return backlog.find(id)->parcel->head().meta.get();
  }

  std::uint64_t rejected(RejectReason reason) const { return stats.ledger.rejected(reason); }

  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  relay::Stats stats;
  relay::NoJournal journal;
  relay::Backlog backlog;
  relay::Destinations destinations;
  int accepted = 0;
  relay::Intake intake;
};

relay::LocalRequest request(std::string_view body, const std::string& x_sentry_auth = kAuth) {
  return support::local_request(body, x_sentry_auth);
}

std::string encoded(proto::Encoding encoding, std::string_view text) {
  proto::Bytes out;
  proto::encode(encoding, text, "", out);
  return std::string(out.view());
}

/// kEvent as zlib at its best has it: nothing of ours writes deflate.
constexpr std::string_view kDeflated(
    "\170\332\253\126\112\055\113\315\053\211\317\114\121\262\122\262\114\115\066\267"
    "\114\066\066\116\115\266\264\064\061\112\114\262\060\066\065\066\265\260\114\113"
    "\116\062\112\065\060\111\111\126\252\345\252\126\052\251\054\110\005\252\005\153"
    "\003\011\324\002\000\271\244\024\266",
    69);

/// A brotli stream of one block stored as it is (RFC 7932, section 9.2).
std::string brotli(std::string_view text) {
  const std::size_t header = (text.size() - 1) << 4U | 1U << 20U;
  std::string stream;
  for (const unsigned shift : {0U, 8U, 16U}) stream += static_cast<char>(header >> shift & 0xffU);
  return stream.append(text).append("\x03");
}

relay::Call call_to(std::string target, std::string_view content_type = "") {
  auto request = support::local_request("", kAuth, std::move(target));
  support::set(request, &RequestHeader::content_type, content_type);
  return relay::Call(request.header);
}

std::string event_for(const std::string& dsn) {
  return R"({"dsn":")" + dsn + "\"}\n{\"type\":\"event\"}\n{}";
}

void check(const Answer& answer, unsigned status, std::string_view body) {
  CHECK(answer.status == status);
  CHECK(answer.body == body);
}

}  // namespace

TEST_SUITE_BEGIN("relay/intake");

TEST_CASE("an accepted envelope is answered with its id, and waits") {
  Bench bench;
  auto sent = request(kEvent);
  support::set(sent, &RequestHeader::user_agent, "sentry.python/2");
  const Answer answer = bench.take(std::move(sent));
  check(answer, 200, kEventAnswer);
  CHECK(answer.headers.empty());
  CHECK(answer.content_type == "application/json");
  CHECK(bench.accepted == 1);
  const relay::Entry* entry = bench.backlog.find(1);
  REQUIRE(entry != nullptr);
  CHECK(entry->parcel->body() == kEvent);
  CHECK(entry->parcel->head().meta->client == "py/1");
  CHECK(entry->parcel->head().meta->user_agent == "sentry.python/2");
  CHECK(entry->parcel->head().meta->dsn == "https://" + kKey + "@up.example/42");
  CHECK(entry->awake_at_accept == relay::milliseconds{77});
  CHECK(bench.stats.bytes_in == kEvent.size());
  CHECK(bench.stats.ledger.accepted()[proto::Category::error] == 1);
}

TEST_CASE("without an event id the answer is an empty object") {
  Bench bench;
  check(bench.post("{}\n{\"type\":\"session\"}\n{}"), 200, "{}");
  CHECK(bench.backlog.size() == 1);
}

TEST_CASE("an envelope without items is answered and not queued") {
  Bench bench;
  check(bench.post("{}"), 200, "{}");
  check(bench.post("{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n"), 200, kEventAnswer);
  CHECK(bench.backlog.size() == 0);
  CHECK(bench.accepted == 0);
  CHECK(bench.stats.ledger.rejected() == 0);
}

TEST_CASE("a malformed envelope gets the status and the text Relay gives it") {
  struct Row {
    std::string body;
    unsigned status;
    std::string answer;
    RejectReason reason;
  };

  const auto framing = [](std::string_view cause) {
    return R"({"detail":"invalid event envelope","causes":[")" + std::string(cause) + R"("]})";
  };
  std::string many = "{}\n";
  for (int i = 0; i < 501; ++i) many += "{\"type\":\"session\"}\n{}\n";
  for (const auto& row : std::vector<Row>{
           {"", 400, R"({"detail":"empty request body"})", RejectReason::malformed},
           {"[]\n", 400, framing("invalid envelope header"), RejectReason::malformed},
           {"{}\r\n{\"type\":\"event\"}\n{}", 400,
            framing("missing newline after header or payload"), RejectReason::malformed},
           {"{}\n{\"type\":\"attachment\",\"length\":5}\nabcd", 400,
            framing("unexpected end of file"), RejectReason::malformed},
           {"{}\n{\"length\":2}\n{}", 400, framing("invalid item header"), RejectReason::malformed},
           {many, 400, framing("too many individual items"), RejectReason::malformed},
           {"{}\n{\"type\":\"integration\"}\n{}", 400,
            R"({"detail":"envelope contains internal items"})", RejectReason::malformed},
           {"{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"event\"}\n{}", 413,
            R"({"detail":"envelope exceeded size limits for type 'event'"})",
            RejectReason::too_large},
           {"{\"dsn\":\"https://" + kKey + "@up.example/43\"}\n{\"type\":\"event\"}\n{}", 400,
            framing("project id header mismatch between envelope and request"),
            RejectReason::malformed},
           {"{\"dsn\":\"https://" + kOtherKey + "@up.example/42\"}\n{\"type\":\"event\"}\n{}", 400,
            framing("public key header mismatch between envelope and request"),
            RejectReason::malformed},
       }) {
    CAPTURE(row.answer);
    Bench bench;
    check(bench.post(row.body), row.status, row.answer);
    CHECK(bench.rejected(row.reason) == 1);
    CHECK(bench.stats.ledger.rejected() == 1);
    CHECK(bench.backlog.size() == 0);
  }
}

TEST_CASE("a project that is no number is told so") {
  for (const std::string_view path : {"/api/x/envelope/", "/api/4x/envelope/", "/api/-4/envelope/",
                                      "/api/18446744073709551616/envelope/"}) {
    CAPTURE(path);
    Bench bench;
    check(bench.post(kEvent, path), 400, R"({"detail":"bad project path parameter"})");
    CHECK(bench.rejected(RejectReason::malformed) == 1);
  }
}

TEST_CASE("the key is found in each of its places") {
  struct Row {
    std::string x_sentry_auth, authorization, query, dsn;
  };

  const std::string query = "sentry_version=7&sentry_key=" + kKey + "&sentry_client=js%2F1";
  const std::string header = R"("dsn":"http://)" + kKey + R"(@127.0.0.1:9797/42",)";
  for (const auto& row : std::vector<Row>{
           {kAuth, "", "", ""},
           {"", kAuth, "", ""},
           {"", "Basic " + std::string("YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk6"), "", ""},
           {"", "", query, ""},
           {"", "", "", header},
           {kAuth, "", "", header},
       }) {
    CAPTURE(row.x_sentry_auth);
    CAPTURE(row.authorization);
    CAPTURE(row.query);
    Bench bench;
    auto sent = request("{" + row.dsn + "\"sdk\":{}}\n{\"type\":\"event\"}\n{}", row.x_sentry_auth);
    support::set(sent, &RequestHeader::authorization, row.authorization);
    CHECK(bench.take(std::move(sent), kPath, row.query).status == 200);
    CHECK(bench.backlog.size() == 1);
  }
}

TEST_CASE("no auth, a broken one, or two at once are 401, before the body is looked at") {
  struct Row {
    std::string x_sentry_auth, authorization, query, detail;
    unsigned status;
  };

  const std::string multiple = "multiple authorization payloads detected";
  for (const auto& row : std::vector<Row>{
           {"", "", "", "bad envelope authentication header", 401},
           {"Sentry sentry_version=7", "", "", "bad x-sentry-auth header", 401},
           {kAuth, "", "sentry_key=" + kKey, multiple, 401},
           {kAuth, kAuth, "", multiple, 401},
           {"", kAuth, "sentry_key=" + kKey, multiple, 401},
           {kAuth, "", "sentry_release=1", multiple, 401},
           {"Sentry sentry_key=short", "", "", "bad sentry DSN public key", 400},
       }) {
    CAPTURE(row.detail);
    CAPTURE(row.x_sentry_auth);
    Bench bench;
    auto sent = request(kEvent, row.x_sentry_auth);
    support::set(sent, &RequestHeader::authorization, row.authorization);
    check(bench.take(std::move(sent), kPath, row.query), row.status,
          R"({"detail":")" + row.detail + R"("})");
    CHECK(bench.rejected(row.status == 401 ? RejectReason::unauthorized
                                           : RejectReason::malformed) == 1);
  }
}

TEST_CASE("where only the envelope says who speaks, its project wins over the path's") {
  relay::RouteSettings route;
  route.configured = {support::dsn("https://" + kKey + "@up.example/43")};
  Bench bench(route);
  const std::string body =
      R"({"dsn":"http://)" + kKey + "@127.0.0.1:9797/43\"}\n{\"type\":\"event\"}\n{}";
  CHECK(bench.take(request(body, "")).status == 200);
  CHECK(bench.take(request(body, ""), "/api/x/envelope/").status == 200);
  CHECK(bench.backlog.find(1)->destination->route.dsn.project_id == 43);
}

TEST_CASE("at the tunnel the envelope's dsn decides, whatever else the request says") {
  struct Row {
    std::string dsn;
    unsigned status;
    std::string answer;
    RejectReason reason;
  };

  const auto at = [](const std::string& rest) { return R"("dsn":"https://)" + rest + R"(",)"; };
  const std::string not_allowed = R"({"error":"DSN not allowed"})";
  const std::string missing = R"({"error":"Invalid envelope: missing DSN"})";
  for (const auto& row : std::vector<Row>{
           {at(kKey + "@up.example/42"), 200, "{}", {}},
           {at(kKey + "@127.0.0.1:9797/42"), 200, "{}", {}},
           {at(kKey + "@up.example/43"), 200, "{}", {}},
           {at(kKey + "@elsewhere.example/43"), 403, not_allowed, RejectReason::not_allowed},
           {at(kOtherKey + "@localhost:9797/42"), 403, not_allowed, RejectReason::not_allowed},
           {R"("dsn":"https://up.example/42",)", 403, R"({"error":"Invalid DSN"})",
            RejectReason::malformed},
           {R"("dsn":null,)", 400, missing, RejectReason::unauthorized},
           {"", 400, missing, RejectReason::unauthorized},
       }) {
    CAPTURE(row.dsn);
    for (const std::string_view auth : {"", "Sentry sentry_key=short", kAuth.c_str()}) {
      CAPTURE(auth);
      Bench bench;
      auto sent =
          request("{" + row.dsn + "\"sdk\":{}}\n{\"type\":\"event\"}\n{}", std::string(auth));
      check(bench.take(std::move(sent), "/envelope", "sentry_key=x"), row.status, row.answer);
      CHECK(bench.backlog.size() == (row.status == 200 ? 1 : 0));
      CHECK(bench.rejected(row.reason) == (row.status == 200 ? 0 : 1));
    }
  }
}

TEST_CASE("what the tunnel takes is kept, limited and refused like any other envelope") {
  const std::string body =
      R"({"dsn":"https://)" + kKey + "@up.example/42\"}\n{\"type\":\"event\"}\n{}";
  Bench bench(one_dsn(), {.max_waiting = 1});
  auto sent = request(encoded(proto::Encoding::gzip, body), "");
  support::set(sent, &RequestHeader::content_encoding, "gzip");
  check(bench.take(std::move(sent), "/envelope"), 200, "{}");
  const relay::Entry* entry = bench.backlog.find(1);
  REQUIRE(entry != nullptr);
  CHECK(entry->parcel->body() == body);
  entry->destination->limits.learn("60:session:key", bench.clock.wall_now());
  CHECK(bench.take(request("{" + body.substr(1, body.find('\n') - 1), ""), "/envelope").headers ==
        "X-Sentry-Rate-Limits: 60:session:key\r\n");
  check(bench.take(request(body, ""), "/envelope"), 503, R"({"error":"failed to queue envelope"})");
  sent = request(body, "");
  support::set(sent, &RequestHeader::content_encoding, "lzma");
  check(bench.take(std::move(sent), "/envelope"), 415, R"({"error":"Unsupported Media Type"})");
}

TEST_CASE("every content encoding is undone, and odd words for none are none") {
  struct Row {
    std::string_view name;
    std::string body;
  };

  const std::string gzip = encoded(proto::Encoding::gzip, kEvent);
  for (const auto& row : std::vector<Row>{{"", kEvent},
                                          {"identity", kEvent},
                                          {"UTF-8", kEvent},
                                          {"gzip", gzip},
                                          {"GZIP", gzip},
                                          {"x-gzip", gzip},
                                          {"deflate", std::string(kDeflated)},
                                          {"br", brotli(kEvent)},
                                          {"zstd", encoded(proto::Encoding::zstd, kEvent)}}) {
    CAPTURE(row.name);
    Bench bench;
    auto sent = request(row.body);
    support::set(sent, &RequestHeader::content_encoding, row.name);
    check(bench.take(std::move(sent)), 200, kEventAnswer);
    CHECK(bench.backlog.find(1)->parcel->body() == kEvent);
  }
}

TEST_CASE("a large body is unpacked in turns, one of them at a time, a usual one at once") {
  Bench bench(one_dsn(), {}, 4U << 20U);
  const std::string large =
      "{}\n{\"type\":\"attachment\",\"length\":2000000}\n" + std::string(2'000'000, 'x');
  const auto gzipped = [](std::string_view body) {
    auto sent = request(encoded(proto::Encoding::gzip, body));
    support::set(sent, &RequestHeader::content_encoding, "gzip");
    return sent;
  };
  auto first = gzipped(large);
  auto second = gzipped(large);
  auto usual = gzipped(kEvent);
  const std::size_t wire_bytes = first.body.size();
  CHECK_FALSE(bench.intake.unpacked(first));
  CHECK_FALSE(bench.intake.unpacked(second));
  CHECK(bench.intake.unpacked(usual));
  int turns = 1;
  for (; !bench.intake.unpacked(first); ++turns) CHECK_FALSE(bench.intake.unpacked(second));
  CHECK(turns >= 8);
  CHECK(bench.take(std::move(first)).status == 200);
  CHECK(bench.stats.bytes_in == wire_bytes);
  CHECK(bench.backlog.bytes() < large.size() + 1000);
  while (!bench.intake.unpacked(second)) {
  }
  CHECK(bench.take(std::move(second)).status == 200);
  CHECK(bench.take(std::move(usual)).status == 200);
}

TEST_CASE("who goes in the middle of being unpacked leaves the turn to others") {
  Bench bench(one_dsn(), {}, 4U << 20U);
  const auto body = encoded(proto::Encoding::gzip, std::string(2'000'000, 'x'));
  auto waits = request(body);
  support::set(waits, &RequestHeader::content_encoding, "gzip");
  {
    auto goes = request(body);
    support::set(goes, &RequestHeader::content_encoding, "gzip");
    CHECK_FALSE(bench.intake.unpacked(goes));
    CHECK_FALSE(bench.intake.unpacked(goes));
    CHECK_FALSE(bench.intake.unpacked(waits));
  }
  int turns = 0;
  while (!bench.intake.unpacked(waits) && turns < 100) ++turns;
  CHECK(turns < 100);
}

TEST_CASE("what cannot be unpacked is refused as if it had been in one go") {
  Bench bench;
  const std::string whole = encoded(proto::Encoding::gzip, std::string(500'000, 'x'));
  auto cut = request(std::string_view(whole).substr(0, whole.size() / 2));
  support::set(cut, &RequestHeader::content_encoding, "gzip");
  while (!bench.intake.unpacked(cut)) {
  }
  CHECK(bench.take(std::move(cut)).status == 400);
}

TEST_CASE("an encoding that cannot be undone is 415 and says which can") {
  for (const std::string_view name : {"gzip, gzip", "lzma", "gzip;q=1"}) {
    Bench bench;
    auto sent = request(kEvent);
    support::set(sent, &RequestHeader::content_encoding, name);
    const Answer answer = bench.take(std::move(sent));
    check(answer, 415, "");
    CHECK(answer.headers == "Accept-Encoding: zstd,gzip,deflate,br\r\n");
    CHECK(bench.rejected(RejectReason::unknown_encoding) == 1);
  }
}

TEST_CASE("a broken or cut stream is 400 in plain text") {
  for (const std::string& body :
       {std::string("not gzip"), encoded(proto::Encoding::gzip, kEvent).substr(0, 20)}) {
    Bench bench;
    auto sent = request(body);
    support::set(sent, &RequestHeader::content_encoding, "gzip");
    const Answer answer = bench.take(std::move(sent));
    CHECK(answer.status == 400);
    CHECK(answer.content_type == "text/plain");
    CHECK(answer.body.starts_with("Failed to buffer the request body: "));
    CHECK(bench.rejected(RejectReason::malformed) == 1);
  }
}

TEST_CASE("the decoded body: one below the limit, at it, and one more, which is 413") {
  for (const auto encoding : {proto::Encoding::identity, proto::Encoding::gzip}) {
    for (const std::size_t limit : {kEvent.size() + 1, kEvent.size(), kEvent.size() - 1}) {
      CAPTURE(limit);
      Bench bench(one_dsn(), {}, limit);
      auto sent = request(encoded(encoding, kEvent));
      support::set(sent, &RequestHeader::content_encoding, proto::name(encoding));
      const Answer answer = bench.take(std::move(sent));
      if (limit >= kEvent.size()) {
        CHECK(answer.status == 200);
        continue;
      }
      check(answer, 413, "Failed to buffer the request body: length limit exceeded");
      CHECK(answer.content_type == "text/plain");
      CHECK(bench.rejected(RejectReason::too_large) == 1);
    }
  }
}

TEST_CASE("a DSN that leads nowhere is 403 and says which variable to set") {
  Bench bench;
  auto sent = request(kEvent, "Sentry sentry_key=" + kOtherKey);
  const Answer answer = bench.take(std::move(sent));
  CHECK(answer.status == 403);
  CHECK(answer.body.find("THAW_UPSTREAM_DSN") != std::string::npos);
  CHECK(answer.body.find("THAW_ALLOWED_HOSTS") != std::string::npos);
  CHECK(bench.rejected(RejectReason::not_allowed) == 1);
}

TEST_CASE("one DSN more than are remembered is 403, the known ones go on") {
  relay::RouteSettings route;
  route.max_dsns = 2;
  Bench bench(route);
  const auto path = [](int project) {
    return "/o1.ingest.us.sentry.io/api/" + std::to_string(project) + "/envelope/";
  };
  CHECK(bench.post(kEvent, path(1)).status == 200);
  CHECK(bench.post(kEvent, path(2)).status == 200);
  CHECK(bench.post(kEvent, path(3)).status == 403);
  CHECK(bench.post(kEvent, path(1)).status == 200);
  CHECK(bench.rejected(RejectReason::not_allowed) == 1);
}

TEST_CASE("full and closing are 503, each with its reason") {
  Bench full(one_dsn(), {.max_waiting = 1});
  CHECK(full.post(kEvent).status == 200);
  check(full.post(kEvent), 503, R"({"detail":"failed to queue envelope"})");
  CHECK(full.rejected(RejectReason::full) == 1);
  CHECK(full.accepted == 1);
  Bench closing;
  closing.intake.close();
  check(closing.post(kEvent), 503, R"({"detail":"failed to queue envelope"})");
  CHECK(closing.rejected(RejectReason::closing) == 1);
}

TEST_CASE("limits in force are handed back on 200s, without blanks and without Retry-After") {
  Bench bench;
  CHECK(bench.post(kEvent).status == 200);
  auto& limits = bench.backlog.find(1)->destination->limits;
  limits.learn("60:error;session:organization, 30::key", bench.clock.wall_now());
  for (const std::string& body : {kEvent, std::string("{}")}) {
    const Answer answer = bench.post(body);
    CHECK(answer.status == 200);
    CHECK(answer.headers == "X-Sentry-Rate-Limits: 60:error;session:key,30::organization\r\n");
  }
  CHECK(bench.backlog.size() == 2);
  bench.clock.advance(relay::milliseconds{60'000});
  CHECK(bench.post(kEvent).headers.empty());
}

TEST_CASE("disabled, everything is answered as taken, with a limit for everything, and dropped") {
  using proto::Category;

  struct Row {
    std::string_view path;
    std::string body, auth;
    Category category;
    std::uint64_t items;
  };

  const std::string session = "{}\n{\"type\":\"session\"}\n{}\n{\"type\":\"session\"}\n{}";
  for (const auto& row : std::vector<Row>{
           {kPath, kEvent, kAuth, Category::error, 1},
           {kPath, kEvent, "", Category::error, 1},
           {kPath, kEvent, "Sentry sentry_key=" + kOtherKey, Category::error, 1},
           {"/envelope", session, "", Category::session, 2},
           {"/api/42/cron/nightly/", "", kAuth, Category::monitor, 1},
           {"/api/42/minidump/", "MDMP", "", Category::default_, 1},
           {kPath, "[]", kAuth, Category::error, 0},
           {kPath, "{}", kAuth, Category::error, 0},
       }) {
    CAPTURE(row.path);
    CAPTURE(row.body);
    Bench bench(one_dsn(), {}, 1U << 20U, true);
    bench.intake.close();
    const Answer answer = bench.take(request(row.body, row.auth), row.path);
    check(answer, 200, "{}");
    CHECK(answer.headers == "X-Sentry-Rate-Limits: 60::organization\r\n");
    CHECK(bench.stats.ledger.accepted()[row.category] == row.items);
    CHECK(bench.stats.ledger.dropped(relay::DropReason::disabled).total() == row.items);
    CHECK(bench.stats.envelopes_accepted == 1);
    CHECK(bench.stats.envelopes_lost == 1);
    CHECK(bench.stats.ledger.rejected() == 0);
    CHECK(bench.backlog.size() == 0);
    CHECK(bench.accepted == 0);
  }
}

TEST_CASE("what waits holds about as much memory as it is counted with") {
  Bench bench;
  const auto before = ::mallinfo2().uordblks;
  for (int i = 0; i < 500; ++i) {
    // Chunked bodies are read into room that is grown in large steps.
    auto sent = request(kEvent);
    sent.body.reserve(64UL * 1024U);
    CHECK(bench.take(std::move(sent)).status == 200);
  }
  CHECK(::mallinfo2().uordblks - before < 500UL * 4096U);
}

proto::Envelope own() { return proto::Envelope::parse(proto::Bytes::copy_of(kEvent)).value(); }

TEST_CASE("an envelope of the host's own goes to the first configured DSN") {
  auto route = one_dsn();
  route.configured.push_back(support::dsn("https://" + kOtherKey + "@other.example/7"));
  Bench bench(route);
  CHECK(bench.intake.take_own(own()));
  const relay::Entry* entry = bench.backlog.find(1);
  REQUIRE(entry != nullptr);
  CHECK(entry->destination->route.dsn.host == "up.example");
  CHECK(entry->parcel->head().meta->client == "thaw/" THAW_VERSION);
  CHECK(bench.accepted == 1);
  CHECK(bench.intake.take_last_header().empty());
}

TEST_CASE(
    "without a configured DSN, to the last one used; without that nowhere, which no SDK was told") {
  Bench bench(relay::RouteSettings{});
  CHECK_FALSE(bench.intake.take_own(own()));
  CHECK(bench.stats.ledger.rejected() == 0);
  check(bench.post(kEvent, "/o1.ingest.us.sentry.io/api/42/envelope/"), 200, kEventAnswer);
  CHECK(bench.intake.take_own(own()));
  CHECK(bench.backlog.find(2)->destination->route.dsn.host == "o1.ingest.us.sentry.io");
}

TEST_CASE("when the drain is over nothing of the host's own is taken either") {
  Bench bench;
  bench.intake.close();
  CHECK_FALSE(bench.intake.take_own(own()));
  CHECK(bench.stats.ledger.rejected() == 0);
}

TEST_CASE("a header that says nothing of a trace does not take the place of one that does") {
  Bench bench;
  const std::string traced = R"({"trace":{"trace_id":"771a43a4192642f0b136d5159a501700"}})";
  const std::string session = "\n{\"type\":\"session\"}\n{}";
  check(bench.post(R"({"x":1})" + session), 200, "{}");
  check(bench.post(traced + session), 200, "{}");
  check(bench.post("{}" + session), 200, "{}");
  check(bench.post("{\"x\":\"" + std::string(5000, 'x') + "\"}" + session), 200, "{}");
  CHECK(bench.intake.take_last_header() == traced);
  check(bench.post("{}" + session), 200, "{}");
  CHECK(bench.intake.take_last_header() == "{}");
}

TEST_CASE("of one header, each envelope goes where its own dsn says") {
  Bench bench(relay::RouteSettings{});
  const relay::Call call = call_to("/api/42/envelope/");
  const std::string first = "https://" + kKey + "@o1.ingest.sentry.io/42";
  const std::string second = "https://" + kKey + "@o2.ingest.sentry.io/42";
  CHECK(bench.take(call, event_for(first)) == 200);
  CHECK(bench.take(call, kEvent) == 403);
  CHECK(bench.take(call, event_for(second)) == 200);
  CHECK(bench.take(call, kEvent) == 403);
  CHECK(bench.take(call, event_for("https://" + kOtherKey + "@o1.ingest.sentry.io/42")) == 400);
  CHECK(bench.meta(1)->dsn == first);
  CHECK(bench.meta(2)->dsn == second);
  CHECK(bench.backlog.find(2)->destination->dsn == second);
}

TEST_CASE("where the header names the host the envelope's dsn has no word, early or late") {
  Bench bench(relay::RouteSettings{});
  const relay::Call call = call_to("/o7.ingest.sentry.io/api/42/envelope/");
  const std::string other = event_for("https://" + kKey + "@o2.ingest.sentry.io/42");
  CHECK(bench.take(call, other) == 200);
  CHECK(bench.take(call, kEvent) == 200);
  CHECK(bench.take(call, other) == 200);
  CHECK(bench.meta(1)->dsn == "https://" + kKey + "@o7.ingest.sentry.io/42");
  CHECK(bench.meta(1) == bench.meta(2));
  CHECK(bench.meta(1) == bench.meta(3));
}

TEST_CASE("where only the envelope says who speaks, the next one speaks for itself") {
  relay::RouteSettings two = one_dsn();
  two.configured.push_back(support::dsn("https://" + kOtherKey + "@up.example/43"));
  Bench bench(two);
  const std::string first = "https://" + kKey + "@up.example/42";
  const std::string second = "https://" + kOtherKey + "@up.example/43";
  for (const auto* target : {"/envelope", "/api/42/envelope/"}) {
    CAPTURE(target);
    const relay::Call call(support::local_request("", "", target).header);
    const std::uint64_t id = bench.backlog.next_id();
    CHECK(bench.take(call, event_for(first)) == 200);
    CHECK(bench.take(call, event_for(second)) == 200);
    CHECK(bench.take(call, event_for("https://" + kOtherKey + "@elsewhere.example/44")) == 403);
    CHECK(bench.meta(id)->dsn == first);
    CHECK(bench.meta(id + 1)->dsn == second);
    CHECK(bench.backlog.find(id + 1)->destination->dsn == second);
  }
}

TEST_CASE("two headers to one destination keep what each says") {
  Bench bench;
  const std::string target = "/api/42/store/?x=1";
  const relay::Call opaque = call_to(target);
  const relay::Call envelope = call_to(target, "application/x-sentry-envelope");
  CHECK(bench.take(opaque, "{}") == 200);
  CHECK(bench.take(opaque, "{}") == 200);
  CHECK(bench.take(envelope, kEvent) == 200);
  CHECK(bench.meta(1) == bench.meta(2));
  CHECK(bench.meta(2)->target == "store/?x=1");
  CHECK(bench.meta(3)->target == "envelope/");
}

TEST_CASE("a way that is known is the one used last, whatever was recovered meanwhile") {
  Bench bench(relay::RouteSettings{});
  const relay::Call call = call_to("/o1.ingest.sentry.io/api/42/envelope/");
  CHECK(bench.take(call, kEvent) == 200);
  relay::RequestMeta left;
  left.dsn = "https://" + kKey + "@o9.ingest.sentry.io/42";
  relay::Record record{support::head_of(left), proto::Bytes::copy_of(kEvent)};
  record.head.counts.add(proto::Category::error);
  bench.intake.recover(5, std::move(record));
  CHECK(bench.destinations.last_used()->dsn == left.dsn);
  CHECK(bench.take(call, kEvent) == 200);
  CHECK(bench.destinations.last_used()->dsn == bench.meta(1)->dsn);
}

TEST_CASE("the name of the last SDK is kept, up to 64 characters") {
  Bench bench;
  CHECK(bench.intake.last_client().empty());
  check(bench.post(kEvent), 200, kEventAnswer);
  CHECK(bench.intake.last_client() == "py/1");
  auto sent =
      request(kEvent, "Sentry sentry_key=" + kKey + ", sentry_client=" + std::string(65, 'x'));
  check(bench.take(std::move(sent)), 200, kEventAnswer);
  CHECK(bench.intake.last_client() == std::string(64, 'x'));
}

TEST_CASE("the last header is kept until it is asked for, up to 4 KiB") {
  Bench bench;
  const auto with_header = [](std::size_t bytes) {
    const std::string begin = "{\"x\":\"";
    return begin + std::string(bytes - begin.size() - 2, 'x') + "\"}\n{\"type\":\"session\"}\n{}";
  };
  CHECK(bench.intake.take_last_header().empty());
  for (const std::size_t bytes : {relay::Intake::kKeptHeader - 1, relay::Intake::kKeptHeader}) {
    check(bench.post(with_header(bytes)), 200, "{}");
    CHECK(bench.intake.take_last_header().size() == bytes);
    CHECK(bench.intake.take_last_header().empty());
  }
  check(bench.post(kEvent), 200, kEventAnswer);
  check(bench.post(with_header(relay::Intake::kKeptHeader + 1)), 200, "{}");
  CHECK(bench.intake.take_last_header().empty());
}

TEST_SUITE_END();
