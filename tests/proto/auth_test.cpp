#include "proto/auth.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "proto/errc.hpp"

using proto::Auth;
using proto::AuthPlaces;
using proto::Errc;
using proto::find_auth;

namespace {

const std::string kKey = "abcdef0123456789abcdef0123456789";
const std::string kHeader = "Sentry sentry_key=" + kKey;
const std::string kQuery = "sentry_key=" + kKey;

AuthPlaces header(std::string_view text) { return {text, {}, {}}; }

AuthPlaces authorization(std::string_view text) { return {{}, text, {}}; }

AuthPlaces query(std::string_view text) { return {{}, {}, text}; }

}  // namespace

TEST_SUITE("proto/auth") {
  TEST_CASE("each SDK's own spelling of the header is understood") {
    const std::vector<std::string> spellings{
        "Sentry sentry_key=" + kKey + ", sentry_version=7, sentry_client=c/1",
        "Sentry sentry_version=7, sentry_client=c/1, sentry_key=" + kKey,
        "Sentry sentry_version=7,sentry_client=c/1,sentry_key=" + kKey,
        "SENTRY sentry_version=7.0, sentry_timestamp=1795460636.118281, sentry_key=" + kKey +
            ", sentry_client=c/1, sentry_secret=sec",
        "sentry  sentry_key=" + kKey + " ,sentry_client=c/1,, unknown, x=y=z",
    };
    for (const auto& text : spellings) {
      CAPTURE(text);
      for (const auto& places : {header(text), authorization(text)}) {
        const Auth auth = find_auth(places).value();
        CHECK(auth.public_key == kKey);
        CHECK(auth.client == "c/1");
        CHECK(auth.version == 7);
      }
    }
  }

  TEST_CASE("a missing version is 7, an older one is taken") {
    CHECK(find_auth(header(kHeader)).value().version == 7);
    CHECK(find_auth(header(kHeader + ",sentry_version=5")).value().version == 5);
    CHECK(find_auth(header(kHeader + ",sentry_version=6.9")).value().version == 6);
  }

  TEST_CASE("a version above 7 is refused, one that is no number is a bad header") {
    CHECK(find_auth(header(kHeader + ",sentry_version=8")).error() == Errc::auth_version);
    CHECK(find_auth(header(kHeader + ",sentry_version=x")).error() == Errc::auth_invalid);
    CHECK(find_auth(header(kHeader + ",sentry_version=99999")).error() == Errc::auth_invalid);
    CHECK(find_auth(query(kQuery + "&sentry_version=")).error() == Errc::auth_invalid);
  }

  TEST_CASE("flags behind a dot are cut off the key") {
    CHECK(find_auth(header(kHeader + ".no-cache")).value().public_key == kKey);
  }

  TEST_CASE("basic credentials carry the key as the user name") {
    // base64 of "abcdef0123456789abcdef0123456789:x"
    const std::string credentials = "YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk6eA==";
    CHECK(find_auth(authorization("Basic " + credentials)).value().public_key == kKey);
    CHECK(find_auth(authorization("basic " + credentials)).value().public_key == kKey);
    CHECK(find_auth(authorization("Basic %%%")).error() == Errc::auth_invalid);
    CHECK(find_auth(authorization("Basic Og==")).error() == Errc::auth_invalid);
  }

  TEST_CASE("other schemes of Authorization are no one's business") {
    CHECK(find_auth(authorization("Bearer " + kKey)).error() == Errc::auth_missing);
    const AuthPlaces both{kHeader, "Bearer x", {}};
    CHECK(find_auth(both).has_value());
  }

  TEST_CASE("the query's values are percent-decoded") {
    const Auth auth =
        find_auth(query("sentry_version=7&sentry_key=" + kKey + "&sentry_client=a.b%2F1.0+x"))
            .value();
    CHECK(auth.public_key == kKey);
    CHECK(auth.client == "a.b/1.0 x");
    const std::string controls = "sentry_key=" + kKey + "&sentry_client=a%0d%0Ab%00%09%7f%C3%A4";
    CHECK(find_auth(query(controls)).value().client == "ab\xC3\xA4");
  }

  TEST_CASE("a query counts as soon as it holds sentry_") {
    CHECK(find_auth(query("sentry_release=1")).error() == Errc::auth_invalid);
    CHECK(find_auth(query("key=" + kKey)).error() == Errc::auth_missing);
    CHECK(find_auth(query("")).error() == Errc::auth_missing);
  }

  TEST_CASE("the key may stand in the path") {
    const auto in_path = [](std::string_view key) { return AuthPlaces{{}, {}, {}, key}; };
    const Auth auth = find_auth(in_path(kKey)).value();
    CHECK(auth.public_key == kKey);
    CHECK(auth.client.empty());
    CHECK(auth.version == 7);
    CHECK(find_auth(in_path(kKey + ".no-cache")).value().public_key == kKey);
    CHECK(find_auth(in_path("short")).error() == Errc::auth_key);
    CHECK(find_auth(in_path(kKey + "0")).error() == Errc::auth_key);
  }

  TEST_CASE("two places at once are refused even if they agree") {
    const std::vector<AuthPlaces> pairs{
        {kHeader, kHeader, {}},     {kHeader, {}, kQuery},   {{}, kHeader, kQuery},
        {kHeader, kHeader, kQuery}, {kHeader, {}, {}, kKey}, {{}, kHeader, {}, kKey},
        {{}, {}, kQuery, kKey},
    };
    for (const auto& places : pairs) CHECK(find_auth(places).error() == Errc::auth_multiple);
  }

  TEST_CASE("a bad first place is named before a second one is looked at") {
    const AuthPlaces places{"Sentry x=1", {}, kQuery};
    CHECK(find_auth(places).error() == Errc::auth_invalid);
    // Relay's order: the path is the last place.
    CHECK(find_auth({{}, {}, "sentry_release=1", kKey}).error() == Errc::auth_invalid);
  }

  TEST_CASE("a header without scheme or key is bad, one with a bad key has a bad key") {
    CHECK(find_auth(header("sentry_key=" + kKey)).error() == Errc::auth_invalid);
    CHECK(find_auth(header("Sentry sentry_version=7")).error() == Errc::auth_invalid);
    CHECK(find_auth(header("Sentry")).error() == Errc::auth_invalid);
    CHECK(find_auth(header("Sentry sentry_key=short")).error() == Errc::auth_key);
    CHECK(find_auth(header(kHeader + "0")).error() == Errc::auth_key);
    CHECK(find_auth(header("Sentry sentry_key=" + kKey.substr(1))).error() == Errc::auth_key);
  }

  TEST_CASE("what goes upstream is one header, and reads back the same") {
    const Auth auth{.public_key = kKey, .client = "sentry.python/2.75.0", .version = 7};
    const std::string text = proto::to_header(auth);
    CHECK(text ==
          "Sentry sentry_key=" + kKey + ", sentry_version=7, sentry_client=sentry.python/2.75.0");
    CHECK(find_auth(header(text)).value().client == auth.client);
    CHECK(proto::to_header({.public_key = kKey, .client = ""}) ==
          "Sentry sentry_key=" + kKey + ", sentry_version=7");
  }

  TEST_CASE("a client cannot break out of the header") {
    const Auth auth{.public_key = kKey, .client = "a\r\nX: y,b\xC3\xA4\x7f"};
    CHECK(proto::to_header(auth) ==
          "Sentry sentry_key=" + kKey + ", sentry_version=7, sentry_client=aX: yb");
  }

  TEST_CASE("where the query has to carry it, it reads back the same") {
    const Auth auth{.public_key = kKey, .client = "a b/1&c=%\xC3\xA4"};
    const std::string text = proto::to_query(auth);
    CHECK(text ==
          "sentry_key=" + kKey + "&sentry_version=7&sentry_client=a%20b%2F1%26c%3D%25%C3%A4");
    CHECK(find_auth(query(text)).value().client == auth.client);
    CHECK(proto::to_query({.public_key = kKey, .client = ""}) ==
          "sentry_key=" + kKey + "&sentry_version=7");
  }

  TEST_CASE("any query with sentry_ in it counts as an auth") {
    CHECK(proto::query_holds_auth("sentry_release=1"));
    CHECK(proto::query_holds_auth("a=my_sentry_thing"));
    CHECK_FALSE(proto::query_holds_auth("sentry%5Fkey=1"));
    CHECK_FALSE(proto::query_holds_auth("Sentry_key=1&sentry=1"));
    CHECK_FALSE(proto::query_holds_auth(""));
  }

  TEST_CASE("auth parameters leave the query, the rest stays byte for byte") {
    CHECK(proto::strip_auth("a=1&sentry_key=k&b=%2F&sentry_version=7&&c") == "a=1&b=%2F&&c");
    CHECK(proto::strip_auth("sentry_key=k&sentry_client=c&sentry_secret=s&sentry_timestamp=1")
              .empty());
    CHECK(proto::strip_auth("sentry_release=1&sentry_environment=p") ==
          "sentry_release=1&sentry_environment=p");
    CHECK(proto::strip_auth("sentry%5Fkey=k&x=1") == "x=1");
    CHECK(proto::strip_auth("").empty());
    CHECK(proto::strip_auth("a=1&") == "a=1&");
    CHECK(proto::strip_auth("&a=1&&") == "&a=1&&");
    CHECK(proto::strip_auth("b=%73entry_&sentry_key&a=+%2B+") == "b=%73entry_&a=+%2B+");
  }
}
