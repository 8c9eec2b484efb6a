#include "proto/url_text.hpp"

#include <string>

#include <doctest/doctest.h>

using proto::decode_base64;
using proto::decode_query_text;
using proto::encode_query_text;

TEST_SUITE("proto/url_text") {
  TEST_CASE("percent codes and plus signs are undone, broken codes stay") {
    CHECK(decode_query_text("a%2Fb%2fc+d") == "a/b/c d");
    CHECK(decode_query_text("100%") == "100%");
    CHECK(decode_query_text("%2") == "%2");
    CHECK(decode_query_text("%zz%2Fx") == "%zz/x");
    CHECK(decode_query_text("%2z%z2") == "%2z%z2");
    CHECK(decode_query_text("") == "");
  }

  TEST_CASE("what is encoded decodes to itself and breaks out of no query") {
    CHECK(encode_query_text("AazZ09-._~") == "AazZ09-._~");
    CHECK(encode_query_text("@[`{") == "%40%5B%60%7B");
    CHECK(encode_query_text("a b+c/&=%#\xC3\xA4\n") == "a%20b%2Bc%2F%26%3D%25%23%C3%A4%0A");
    CHECK(encode_query_text("") == "");
    std::string every;
    for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
    CHECK(decode_query_text(encode_query_text(every)) == every);
  }

  TEST_CASE("in a URL's other parts a plus sign is one") {
    CHECK(proto::decode_percent_text("a%2Fb+d%2B%") == "a/b+d+%");
  }

  TEST_CASE("base64 is written with padding, and reads back") {
    CHECK(proto::encode_base64("") == "");
    CHECK(proto::encode_base64("a") == "YQ==");
    CHECK(proto::encode_base64("a:") == "YTo=");
    CHECK(proto::encode_base64("a:b") == "YTpi");
    CHECK(proto::encode_base64("\xFB\xFF") == "+/8=");
    std::string every;
    for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
    CHECK(decode_base64(proto::encode_base64(every)) == every);
  }

  TEST_CASE("base64 is read with and without padding") {
    CHECK(decode_base64("YTpi") == "a:b");
    CHECK(decode_base64("YTo=") == "a:");
    CHECK(decode_base64("YTo") == "a:");
    CHECK(decode_base64("YQ==") == "a");
    CHECK(decode_base64("+/8=") == "\xFB\xFF");
    CHECK(decode_base64("") == "");
  }

  TEST_CASE("what is not base64 is refused") {
    for (const std::string text : {"Y", "YTp_", "YTp[", "YTp{", "YT i", "YQ===", "YTpiY"}) {
      CAPTURE(text);
      CHECK_FALSE(decode_base64(text).has_value());
    }
  }

  TEST_CASE("an authority has a port, and an IPv6 literal brackets") {
    CHECK(proto::to_authority("a.test", 443) == "a.test:443");
    CHECK(proto::to_authority("fd00::1", 8443) == "[fd00::1]:8443");
  }

  TEST_CASE("a short one has no port that the scheme has anyway") {
    CHECK(proto::to_short_authority("a.test", 443, true) == "a.test");
    CHECK(proto::to_short_authority("a.test", 80, false) == "a.test");
    CHECK(proto::to_short_authority("a.test", 443, false) == "a.test:443");
    CHECK(proto::to_short_authority("fd00::1", 443, true) == "[fd00::1]");
    CHECK(proto::to_short_authority("fd00::1", 80, true) == "[fd00::1]:80");
  }
}
