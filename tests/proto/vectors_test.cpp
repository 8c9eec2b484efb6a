// Bodies whose verdict was observed on Relay 26.9.0 in proxy mode: the whole way from auth to size
// limits.
#include "tests/support/vectors.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "proto/auth.hpp"
#include "proto/codec.hpp"
#include "proto/envelope.hpp"
#include "proto/errc.hpp"

namespace {

using support::kKey;
using support::times;

constexpr std::uint64_t kProject = 42;

/// What became of a body: the error, or the number of items; 413 is told apart.
struct Verdict {
  boost::system::error_code error{};
  std::size_t items = 0;
  bool too_large = false;
};

Verdict judge(const std::string& body) {
  auto envelope = proto::Envelope::parse(proto::Bytes::copy_of(body));
  if (!envelope) return {envelope.error()};
  if (const auto mismatch = proto::check_dsn_agrees(*envelope, kKey, kProject)) return {mismatch};
  return {{}, envelope->items().size(), proto::exceeded_size_limit(*envelope).has_value()};
}

}  // namespace

TEST_SUITE_BEGIN("proto/vectors");

TEST_CASE("what Relay accepts is accepted, with as many items") {
  for (const auto& row : support::accepted_vectors()) {
    CAPTURE(row.number);
    const Verdict verdict = judge(row.body);
    CHECK(verdict.error == boost::system::error_code{});
    CHECK(verdict.items == row.items);
    CHECK_FALSE(verdict.too_large);
  }
}

TEST_CASE("what Relay refuses is refused, for the same reason") {
  for (const auto& row : support::refused_vectors()) {
    CAPTURE(row.number);
    CHECK(judge(row.body).error == row.error);
  }
}

TEST_CASE("what is too large for its type is told apart: 413") {
  const std::string log =
      R"({"type":"log","item_count":1,"content_type":"application/vnd.sentry.items.log+json"})"
      "\n{\"items\":[{}]}\n";
  const std::string event = "{\"type\":\"event\"}\n" + std::string(1024, 'x') + "\n";
  CHECK(judge("{}\n" + log + log).too_large);                                                 // 16
  CHECK(judge("{}\n" + event + event).too_large);                                             // 29
  CHECK(judge("{}\n{\"type\":\"event\"}\n" + std::string(1'100'000, 'x') + "\n").too_large);  // 31
  CHECK_FALSE(judge("{}\n" + event).too_large);
  CHECK(judge("{}\n" + times("{\"type\":\"session\"}\n{}\n", 500)).error ==
        boost::system::error_code{});
}

TEST_CASE("both members of a multi-member gzip are decoded") {  // 33
  proto::Bytes body;
  proto::encode(proto::Encoding::gzip, "{}\n", "", body);
  proto::encode(proto::Encoding::gzip, "{\"type\":\"event\"}\n", "{}", body);
  const auto decoded = proto::decode(proto::Encoding::gzip, std::move(body), 1024);
  REQUIRE(decoded.has_value());
  CHECK(decoded->view() == "{}\n{\"type\":\"event\"}\n{}");
}

TEST_CASE("two auths at once are refused, even if they agree") {  // 34
  const std::string header = "Sentry sentry_key=" + kKey;
  const std::string query = "sentry_key=" + kKey;
  const auto auth = proto::find_auth({header, "", query});
  REQUIRE_FALSE(auth.has_value());
  CHECK(auth.error() == proto::Errc::auth_multiple);
}

TEST_CASE("items keep every byte, the header only gets its dsn and sent_at replaced") {
  const std::string items = "{\"type\":\"attachment\",\"length\":5, \"x\" :1}\nab\ncd\n";
  const auto envelope = proto::Envelope::parse(proto::Bytes::copy_of(
      "{\"a\": 1, \"sent_at\":\"2026-11-23T18:00:00Z\",\"dsn\":\"http:\\/\\/" + kKey +
      "@127.0.0.1:9797\\/42\" ,\"z\":{}}\n" + items));
  REQUIRE(envelope.has_value());
  const auto dsn = proto::parse_dsn("https://" + kKey + "@o1.ingest.us.sentry.io/42");
  REQUIRE(dsn.has_value());
  const auto now = proto::parse_rfc3339("2026-11-24T01:02:03.5Z");
  REQUIRE(now.has_value());
  CHECK(envelope->items_as_they_came() == items);
  CHECK(envelope->restamped_header(*dsn, *now) ==
        "{\"a\": 1, \"sent_at\":\"2026-11-24T01:02:03.500000Z\",\"dsn\":\"https://" + kKey +
            "@o1.ingest.us.sentry.io/42\" ,\"z\":{}}\n");
}

TEST_SUITE_END();
