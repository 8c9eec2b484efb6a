#include "relay/upstream_request.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "proto/codec.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/records.hpp"

using relay::Compression;
using support::kKey;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr relay::WallTime kNow{std::chrono::seconds{1'795'456'800}};
constexpr std::string_view kRestamped =
    R"({"dsn":"https://abcdef0123456789abcdef0123456789@up.example/pre/42","sent_at":"2026-11-23T18:00:00.000000Z")";

class Composed {
 public:
  explicit Composed(std::string_view text, Compression compression = Compression::zstd)
      : host_{{true, "up.example", 443, true}, compression, relay::Breaker(3)} {
    destination_.route = {support::dsn("https://" + kKey + "@up.example/pre/42"), true};
    destination_.host = &host_;
    parcel_.emplace(relay::RecordHead{}, support::parsed(text));
  }

  relay::ComposedRequest operator()() const {
    proto::Encoder encoder;
    return std::move(*relay::compose(*parcel_, destination_, kNow, encoder));
  }

  /// Who sent it.
  void sent_by(std::string client, std::string user_agent) {
    relay::RequestMeta meta;
    meta.client = std::move(client);
    meta.user_agent = std::move(user_agent);
    parcel_.emplace(support::head_of(std::move(meta)),
                    support::parsed(std::string(parcel_->body())));
  }

 private:
  std::optional<relay::Parcel> parcel_;
  relay::Host host_;
  relay::Destination destination_;
};

std::string decoded(const relay::ComposedRequest& composed, proto::Encoding encoding) {
  auto bytes = proto::decode(encoding, proto::Bytes::copy_of(composed.request.body), 1U << 20U);
  REQUIRE(bytes.has_value());
  return std::string(bytes->view());
}

/// An envelope whose restamped text is exactly `size` bytes.
std::string text_of_size(std::size_t size) {
  const std::string empty = "{}\n{\"type\":\"event\"}\n";
  const std::size_t added = kRestamped.size() - 1;  // the opening brace is there already
  return empty + std::string(size - added - empty.size(), 'x');
}

}  // namespace

TEST_SUITE_BEGIN("relay/upstream_request");

TEST_CASE("the request carries exactly these headers, to the canonical path") {
  Composed composed("{}\n{\"type\":\"event\"}\n{}");
  composed.sent_by("sentry.python/2.75.0", "sentry.python/2.75.0 (odd)");
  const auto sent = composed();
  CHECK(sent.request.method == "POST");
  CHECK(sent.request.target == "/pre/api/42/envelope/");
  CHECK(sent.request.endpoint == relay::Endpoint{true, "up.example", 443, true});
  CHECK(sent.request.headers ==
        Headers{{"Content-Type", "application/x-sentry-envelope"},
                {"X-Sentry-Auth", "Sentry sentry_key=" + kKey +
                                      ", sentry_version=7, sentry_client=sentry.python/2.75.0"},
                {"User-Agent", "sentry.python/2.75.0 (odd)"},
                {"Accept", "*/*"}});
}

TEST_CASE("where the SDK named neither itself nor its client, Thaw names itself") {
  const auto sent = Composed("{}\n{\"type\":\"event\"}\n{}")();
  CHECK(sent.request.headers ==
        Headers{{"Content-Type", "application/x-sentry-envelope"},
                {"X-Sentry-Auth", "Sentry sentry_key=" + kKey + ", sentry_version=7"},
                {"User-Agent", "thaw/" THAW_VERSION},
                {"Accept", "*/*"}});
}

TEST_CASE("a client that would break the header loses what would") {
  Composed composed("{}\n{\"type\":\"event\"}\n{}");
  composed.sent_by("a/1\r\nX: y, sentry_key=z", "");
  const auto sent = composed();
  const auto& auth = sent.request.headers.at(1).second;
  CHECK(auth.find('\r') == std::string::npos);
  CHECK(auth.find('\n') == std::string::npos);
  CHECK(std::count(auth.begin(), auth.end(), ',') == 2);
}

TEST_CASE("the body is the restamped header and the items byte for byte") {
  const std::string items =
      "{\"type\":\"event\", \"x\" : 1}\n{\"a\":  1}\n{\"type\":\"odd\"}\n\x01\r";
  const auto sent = Composed("{\"sent_at\":\"2020-01-01T00:00:00Z\",\"odd\": [1]}\n" + items)();
  CHECK(sent.request.body ==
        R"({"dsn":"https://abcdef0123456789abcdef0123456789@up.example/pre/42",)"
        R"("sent_at":"2026-11-23T18:00:00.000000Z","odd": [1]})"
        "\n" +
            items);
}

TEST_CASE("from 1 KiB on the body is compressed as the host wants it") {
  struct Row {
    std::size_t size;
    Compression compression;
    proto::Encoding encoding;
  };

  const std::vector<Row> rows{
      {1023, Compression::zstd, proto::Encoding::identity},
      {1024, Compression::zstd, proto::Encoding::zstd},
      {1025, Compression::zstd, proto::Encoding::zstd},
      {1023, Compression::gzip, proto::Encoding::identity},
      {1024, Compression::gzip, proto::Encoding::gzip},
      {1024, Compression::none, proto::Encoding::identity},
      {100'000, Compression::none, proto::Encoding::identity},
  };
  for (const auto& row : rows) {
    CAPTURE(row.size);
    const std::string text = text_of_size(row.size);
    const auto sent = Composed(text, row.compression)();
    const bool compressed = row.encoding != proto::Encoding::identity;
    CHECK(sent.zstd == (row.encoding == proto::Encoding::zstd));
    CHECK(sent.request.headers.size() == (compressed ? 5 : 4));
    if (compressed) {
      CHECK(sent.request.headers.at(1) ==
            std::pair<std::string, std::string>{"Content-Encoding", proto::name(row.encoding)});
      CHECK(sent.request.body.size() < row.size);
    }
    CHECK(decoded(sent, row.encoding) == std::string(kRestamped) + text.substr(1));
  }
}

TEST_CASE("the body stays where it is when the request is moved") {
  auto sent = Composed(text_of_size(4096))();
  const auto moved = std::move(sent);
  CHECK(moved.request.body.data() == moved.body.data());
  CHECK(moved.request.body.size() == moved.body.size());
}

TEST_SUITE_END();
