// Bodies whose verdict was observed on Relay 26.9.0 in proxy mode: the whole way from auth to size
// limits.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "proto/auth.hpp"
#include "proto/codec.hpp"
#include "proto/envelope.hpp"
#include "proto/errc.hpp"

namespace {

using proto::Errc;

const std::string kKey = "abcdef0123456789abcdef0123456789";
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

std::string times(std::string text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

struct Accepted {
  int number;
  std::string body;
  std::size_t items;
};

struct Refused {
  int number;
  std::string body;
  Errc error;
};

}  // namespace

TEST_SUITE_BEGIN("proto/vectors");

TEST_CASE("what Relay accepts is accepted, with as many items") {
  const std::vector<Accepted> rows{
      {1, "{}\n{\"type\":\"event\"}\n{\"message\":\"a\"}", 1},
      {2, "{}\n{\"type\":\"event\",\"length\":15}\n{\"message\":\"a\"}\n", 1},
      {3, "{}", 0},
      {3, "{}\n", 0},
      {4, "{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"attachment\",\"length\":0}",
       2},
      {5, "{}\n{\"type\":\"attachment\",\"length\":5}\nab\ncd\n", 1},
      {10, "{}\n\n{\"type\":\"event\"}\n{}", 1},
      {11, "{}\n{\"type\":\"brand_new\",\"x_y\":1}\nhello\n", 1},
      {12, "{\"dsn\":\"http://" + kKey + "@127.0.0.1:9000/42\"}\n{\"type\":\"event\"}\n{}", 1},
      {19, "{}\n{\"type\":\"event\"}", 1},
      {19, "{}\n{\"type\":\"event\"}\n", 1},
      {22, " {}\n{\"type\":\"event\"}\n{}", 1},
      {24, "{\"trace\":5}\n{\"type\":\"event\"}\n{}", 1},
      {24, "{\"dsn\":null}\n{\"type\":\"event\"}\n{}", 1},
      {25, "{}\n{\"type\":\"event\"}\nnot json", 1},
      {26, "{}\n{\"type\":\"event\",\"a\":1,\"a\":2}\n{}", 1},
  };
  for (const auto& row : rows) {
    CAPTURE(row.number);
    const Verdict verdict = judge(row.body);
    CHECK(verdict.error == boost::system::error_code{});
    CHECK(verdict.items == row.items);
    CHECK_FALSE(verdict.too_large);
  }
}

TEST_CASE("what Relay refuses is refused, for the same reason") {
  const std::vector<Refused> rows{
      {6, "{}\n{\"type\":\"attachment\",\"length\":5}\nabcd", Errc::envelope_unexpected_eof},
      {7, "{}\n{\"type\":\"attachment\",\"length\":3}\nabcd\n", Errc::envelope_missing_newline},
      {8, "{}\n{\"type\":\"event\"}\n{\"message\":\"a\"}\n\n", Errc::envelope_unexpected_eof},
      {9, "{}\r\n{\"type\":\"event\"}\n{}", Errc::envelope_missing_newline},
      {13, "{\"dsn\":\"https://" + kKey + "@o1.ingest.sentry.io/43\"}\n{\"type\":\"event\"}\n{}",
       Errc::envelope_project_mismatch},
      {14, "{\"sent_at\":\"2026-11-23T18:00:00Z\",\"sent_at\":\"2026-11-23T18:00:01Z\"}\n",
       Errc::envelope_invalid_header},
      {15, "{}\n{\"type\":\"event\",\"length\":\"15\"}\n{\"message\":\"a\"}\n",
       Errc::envelope_invalid_item},
      {17, "{}\n{\"type\":\"integration\"}\n{}", Errc::envelope_internal_items},
      {18, "", Errc::envelope_empty_body},
      {20, "{}\n{\"length\":2}\n{}", Errc::envelope_invalid_item},
      {20, "{}\n{\"type\":\"attachment\",\"length\":-1}\nx", Errc::envelope_invalid_item},
      {21, "{}\n{\"type\":\"event\"} \n{}", Errc::envelope_missing_newline},
      {23, "\xEF\xBB\xBF{}\n{\"type\":\"event\"}\n{}", Errc::envelope_invalid_header},
      {23, "[]\n{\"type\":\"event\"}\n{}", Errc::envelope_invalid_header},
      {23, "{\"dsn\":\"garbage\"}\n", Errc::envelope_invalid_dsn},
      {23, "{\"event_id\":\"xyz\"}\n", Errc::envelope_invalid_header},
      {23, "{\"sent_at\":\"yesterday\"}\n", Errc::envelope_invalid_header},
      {27, "{}\n{\"type\":\"attachment\",\"length\":3}\nabc\r\n", Errc::envelope_missing_newline},
      {28, "{}\n{\"type\":\"attachment\",\"length\":18446744073709551615}\nx",
       Errc::envelope_unexpected_eof},
      {30, "{}\n" + times("{\"type\":\"session\"}\n{}\n", 501), Errc::envelope_too_many_items},
      {32, "{}\n{\"type\":\"event\"}\n{\"message\":\"a\"}\n   \n", Errc::envelope_unexpected_eof},
  };
  for (const auto& row : rows) {
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
  CHECK(auth.error() == Errc::auth_multiple);
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
