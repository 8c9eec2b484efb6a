// Whole requests, the way they go through this room: auth, decode, parse, cross-check,
// size.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "proto/auth.hpp"
#include "proto/codec.hpp"
#include "proto/envelope.hpp"
#include "proto/errc.hpp"

using boost::system::error_code;
using proto::Bytes;
using proto::Encoding;
using proto::Envelope;
using proto::Errc;

namespace {

constexpr std::string_view kKey = "abcdef0123456789abcdef0123456789";
constexpr std::string_view kEvent = "\n{\"type\":\"event\"}\n{}";

struct Verdict {
  error_code refused;
  std::size_t items = 0;
  std::uint64_t project = 0;
};

struct Request {
  std::string x_sentry_auth = "Sentry sentry_key=" + std::string{kKey} + ", sentry_version=7";
  std::string query = {};
  Encoding encoding = Encoding::identity;
};

/// Key K and project 42 unless the request says otherwise.
Verdict judge(std::string_view body, const Request& request = {}) {
  constexpr std::size_t kLimit = std::size_t{200} * 1024 * 1024;
  const auto auth = proto::find_auth({request.x_sentry_auth, {}, request.query});
  if (!auth && auth.error() != Errc::auth_missing) return {auth.error()};
  auto decoded = proto::decode(request.encoding, Bytes::copy_of(body), kLimit);
  if (!decoded) return {decoded.error()};
  const auto envelope = Envelope::parse(std::move(*decoded));
  if (!envelope) return {envelope.error()};
  if (!auth && !envelope->dsn()) return {Errc::auth_envelope};
  const std::uint64_t project = auth ? 42 : envelope->dsn()->project_id;
  const std::string key = auth ? auth->public_key : envelope->dsn()->public_key;
  if (const auto mismatch = proto::check_dsn_agrees(*envelope, key, project)) return {mismatch};
  if (proto::exceeded_size_limit(*envelope)) return {Errc::envelope_item_too_large};
  return {{}, envelope->items().size(), project};
}

std::string text(std::string_view head, std::string_view tail = kEvent) {
  std::string body{head};
  const std::size_t key = body.find("//K@");
  if (key != std::string::npos) body.replace(key + 2, 1, kKey);
  return body.append(tail);
}

}  // namespace

TEST_SUITE("proto/requests") {
  TEST_CASE("project and key must agree with the request, in this order, and nothing else") {
    const std::string key{kKey};
    const auto parsed = [](std::string_view header) {
      return Envelope::parse(Bytes::copy_of(header)).value();
    };
    const auto envelope = parsed("{\"dsn\":\"http://" + key + ":sec@other.host:1/p/42\"}");
    CHECK_FALSE(proto::check_dsn_agrees(envelope, key, 42));
    CHECK(proto::check_dsn_agrees(envelope, key, 43) == Errc::envelope_project_mismatch);
    const std::string other(32, 'a');
    CHECK(proto::check_dsn_agrees(envelope, other, 42) == Errc::envelope_key_mismatch);
    CHECK(proto::check_dsn_agrees(envelope, other, 43) == Errc::envelope_project_mismatch);
    CHECK_FALSE(proto::check_dsn_agrees(parsed("{}"), other, 43));
  }

  TEST_CASE("12, 13: the envelope's dsn must agree with the request in project and key only") {
    CHECK_FALSE(judge(text("{\"dsn\":\"http://K@127.0.0.1:9000/42\"}")).refused);
    CHECK(judge(text("{\"dsn\":\"https://K@o1.ingest.sentry.io/43\"}")).refused ==
          Errc::envelope_project_mismatch);
    const Request other{.x_sentry_auth = "Sentry sentry_key=" + std::string(32, 'a')};
    CHECK(judge(text("{\"dsn\":\"https://K@o1.ingest.sentry.io/42\"}"), other).refused ==
          Errc::envelope_key_mismatch);
  }

  TEST_CASE("33: every member of a gzip body is decoded, where Relay loses the second") {
    Bytes body;
    proto::encode(Encoding::gzip, "{}\n", "", body);
    proto::encode(Encoding::gzip, "{\"type\":\"event\"}\n", "{}", body);
    const Verdict verdict = judge(body.view(), {.encoding = Encoding::gzip});
    CHECK_FALSE(verdict.refused);
    CHECK(verdict.items == 1);
  }

  TEST_CASE("34: auth in the header and in the query is refused") {
    const Request both{.query = "sentry_key=" + std::string{kKey}};
    CHECK(judge(text("{}"), both).refused == Errc::auth_multiple);
  }

  TEST_CASE("35: without HTTP auth the envelope's dsn speaks, and its project wins") {
    const Request none{.x_sentry_auth = ""};
    const Verdict verdict = judge(text("{\"dsn\":\"http://K@127.0.0.1:9000/43\"}"), none);
    CHECK_FALSE(verdict.refused);
    CHECK(verdict.project == 43);
    CHECK(judge(text("{}"), none).refused == Errc::auth_envelope);
  }

  TEST_CASE("the requests SDKs were seen to send are accepted") {
    const auto accepted = [](std::string_view body, const Request& request) {
      const Verdict verdict = judge(body, request);
      CHECK_FALSE(verdict.refused);
      return verdict.items;
    };
    const std::string key{kKey};
    const Request node{.x_sentry_auth = "",
                       .query = "sentry_version=7&sentry_key=" + key +
                                "&sentry_client=sentry.javascript.node%2F11.12.0"};
    CHECK(accepted("{\"sdk\":{\"name\":\"sentry.javascript.node\",\"version\":\"11."
                   "12.0\"}}\n"
                   "{\"type\":\"log\",\"item_count\":2,\"content_type\":"
                   "\"application/"
                   "vnd.sentry.items.log+json\"}\n{\"version\":2,\"items\":[{},{}]}",
                   node) == 1);
    CHECK(accepted("{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\","
                   "\"sent_at\":\"2026-11-23T18:11:06.651175Z\",\"trace\":{"
                   "\"public_key\":\"k\"}}\n"
                   "{\"type\":\"event\",\"content_type\":\"application/"
                   "json\",\"length\":2}\n{}\n"
                   "{\"filename\":\"a.txt\",\"type\":\"attachment\",\"length\":"
                   "11}\nhello\nworld\n"
                   "{\"filename\":\"empty.txt\",\"type\":\"attachment\","
                   "\"length\":0}\n\n",
                   {}) == 3);
    CHECK(accepted("{\"event_id\":\"3ea34a47-3731-4ed7-af0a-518afef93970\"}\n"
                   "{\"type\":\"event\",\"length\":2}\n{}\n",
                   {}) == 1);
    CHECK(accepted("{\"sent_at\":\"2026-11-23T19:03:56Z\",\"dsn\":\"http:\\/\\/" + key +
                       ":sec@127.0.0.1:9797\\/42\"}\n"
                       "{\"type\":\"event\",\"content_type\":\"application\\/"
                       "json\"}\n{}\n",
                   {}) == 1);
  }
}
