#include "proto/dsn.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "proto/errc.hpp"

using proto::Dsn;
using proto::Errc;
using proto::normalize_host;
using proto::parse_dsn;

namespace {

constexpr std::string_view kKey = "abcdef0123456789abcdef0123456789";

/// `text` with K standing for the key.
std::string with_key(std::string text) { return text.replace(text.find('K'), 1, kKey); }

}  // namespace

TEST_SUITE("proto/dsn") {
  TEST_CASE("a hosted DSN gives its parts") {
    const Dsn dsn = parse_dsn(with_key("https://K@o1.ingest.us.sentry.io/42")).value();
    CHECK(dsn == Dsn{.tls = true,
                     .public_key = std::string{kKey},
                     .host = "o1.ingest.us.sentry.io",
                     .port = 443,
                     .path_prefix = "",
                     .project_id = 42});
    CHECK(dsn.envelope_path() == "/api/42/envelope/");
  }

  TEST_CASE("secret, port, prefix and case are understood") {
    const Dsn dsn = parse_dsn(with_key("HTTP://K:s3cret@LocalHost.:9000/o1.x/b//c/42/")).value();
    CHECK_FALSE(dsn.tls);
    CHECK(dsn.public_key == kKey);
    CHECK(dsn.host == "localhost");
    CHECK(dsn.port == 9000);
    CHECK(dsn.path_prefix == "/o1.x/b//c");
    CHECK(dsn.envelope_path() == "/o1.x/b//c/api/42/envelope/");
    CHECK(proto::to_string(dsn) == with_key("http://K@localhost:9000/o1.x/b//c/42"));
  }

  TEST_CASE("an IPv6 literal keeps its brackets only in print") {
    const Dsn dsn = parse_dsn(with_key("http://K@[2001:DB8::1]/42")).value();
    CHECK(dsn.host == "2001:db8::1");
    CHECK(dsn.port == 80);
    CHECK(proto::to_string(dsn) == with_key("http://K@[2001:db8::1]/42"));
    CHECK(parse_dsn(with_key("http://K@[::1]:9000/42")).value().port == 9000);
  }

  TEST_CASE("printing and parsing again gives the same value") {
    for (const std::string text :
         {"https://K@o1.ingest.sentry.io/42", "http://K@127.0.0.1:9797/42", "https://K@h:80/1",
          "http://K@h:443/1", "https://K@h/a/b.c/18446744073709551615", "http://K@[::1]:1/0",
          "https://K@h//x/1", "https://K:secret@H./p/007", "https://K@h:65535/1",
          "https://K@h/~team/1"}) {
      CAPTURE(text);
      const Dsn dsn = parse_dsn(with_key(text)).value();
      CHECK(parse_dsn(proto::to_string(dsn)).value() == dsn);
    }
  }

  TEST_CASE("people see four characters of the key") {
    const Dsn dsn = parse_dsn(with_key("https://K:s@h:8443/p/42")).value();
    CHECK(proto::to_public_string(dsn) == "https://abcd…@h:8443/p/42");
  }

  TEST_CASE("each fault is named") {
    struct Row {
      std::string text;
      Errc expected;
    };

    const std::vector<Row> rows{
        {"", Errc::dsn_scheme},
        {"garbage", Errc::dsn_scheme},
        {with_key("ftp://K@h/1"), Errc::dsn_scheme},
        {with_key(" https://K@h/1"), Errc::dsn_scheme},
        {with_key("https:K@h/1"), Errc::dsn_scheme},
        {"https://h/1", Errc::dsn_key},
        {"https://@h/1", Errc::dsn_key},
        {"https://short@h/1", Errc::dsn_key},
        {with_key("https://K/1"), Errc::dsn_key},
        {with_key("https://K0@h/1"), Errc::dsn_key},
        {with_key("https://K:a\nb@h/1"), Errc::dsn_key},
        {with_key("https://K@/1"), Errc::dsn_host},
        {with_key("https://K@:80/1"), Errc::dsn_host},
        {with_key("https://K@./1"), Errc::dsn_host},
        {with_key("https://K@h../1"), Errc::dsn_host},
        {with_key("https://K@a b/1"), Errc::dsn_host},
        {with_key("https://K@a\tb/1"), Errc::dsn_host},
        {with_key("https://K@a%2eb/1"), Errc::dsn_host},
        {with_key("https://K@evil@h/1"), Errc::dsn_host},
        {with_key("https://K@hö/1"), Errc::dsn_host},
        {with_key("https://K@[::1/1"), Errc::dsn_host},
        {with_key("https://K@[]/1"), Errc::dsn_host},
        {with_key("https://K@[name]/1"), Errc::dsn_host},
        {with_key("https://K@[2001]/1"), Errc::dsn_host},
        {with_key("https://K@[a:name]/1"), Errc::dsn_host},
        {with_key("https://K@name]/1"), Errc::dsn_host},
        {with_key("https://K@[::1]x/1"), Errc::dsn_host},
        {with_key("https://K@::1/1"), Errc::dsn_host},
        {with_key("https://K@h:0/1"), Errc::dsn_port},
        {with_key("https://K@h:/1"), Errc::dsn_port},
        {with_key("https://K@h:65536/1"), Errc::dsn_port},
        {with_key("https://K@h:8o/1"), Errc::dsn_port},
        {with_key("https://K@h:-1/1"), Errc::dsn_port},
        {with_key("https://K@h:1:2/1"), Errc::dsn_port},
        {with_key("https://K@h"), Errc::dsn_project},
        {with_key("https://K@h/"), Errc::dsn_project},
        {with_key("https://K@h/x"), Errc::dsn_project},
        {with_key("https://K@h/42abc"), Errc::dsn_project},
        {with_key("https://K@h/-1"), Errc::dsn_project},
        {with_key("https://K@h/18446744073709551616"), Errc::dsn_project},
        {with_key("https://K@h/42?x=1"), Errc::dsn_project},
        {with_key("https://K@h/42#x"), Errc::dsn_project},
        {with_key("https://K@h?/42"), Errc::dsn_project},
        {with_key("https://K@h\\x/42"), Errc::dsn_project},
        {with_key("https://K@h/a\r\nb/42"), Errc::dsn_project},
        {with_key("https://K@h/a b/42"), Errc::dsn_project},
    };
    for (const auto& row : rows) {
      CAPTURE(row.text);
      REQUIRE(parse_dsn(row.text).has_error());
      CHECK(parse_dsn(row.text).error() == row.expected);
    }
  }

  TEST_CASE("a public key has 32 plain ASCII characters, not 31, not 33") {
    CHECK(proto::is_public_key(kKey));
    CHECK(proto::is_public_key("ABCDEF_-23456789abcdef0123456789"));
    CHECK_FALSE(proto::is_public_key(kKey.substr(1)));
    CHECK_FALSE(proto::is_public_key(std::string{kKey} + "0"));
    CHECK_FALSE(proto::is_public_key("abcdef0123456789abcdef012345678."));
    CHECK_FALSE(proto::is_public_key("abcdef0123456789abcdef012345678\n"));
  }

  TEST_CASE("hosts are compared in one form; what could smuggle something has none") {
    CHECK(normalize_host("O1.Ingest.Sentry.IO.") == "o1.ingest.sentry.io");
    CHECK(normalize_host("[::1]") == "::1");
    CHECK(normalize_host("::1") == "::1");
    for (const std::string host : {"", ".", "a..", "a b", "a\n", "a\x7f", "u@h", "a/b", "a\\b",
                                   "a%b", "a#b", "a?b", "[a", "ü"}) {
      CAPTURE(host);
      CHECK(normalize_host(host).empty());
    }
  }
}
