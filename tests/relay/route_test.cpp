#include "relay/route.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace {

const std::string kKey = "abcdef0123456789abcdef0123456789";
constexpr std::uint16_t kOwnPort = 9797;

proto::Dsn dsn(const std::string& text) {
  auto parsed = proto::parse_dsn(text);
  REQUIRE(parsed.has_value());
  return *parsed;
}

/// Where a request goes that names its host in the path; "" if it may not.
std::string by_path(const relay::RouteSettings& settings, const std::string& prefix) {
  const auto route = relay::find_route(settings, kOwnPort, {kKey, 42, prefix});
  return route ? proto::to_string(route->dsn) : "";
}

std::string by_envelope(const relay::RouteSettings& settings, const std::string& text) {
  const auto route = relay::find_route(settings, kOwnPort, {kKey, 42, "", dsn(text)});
  return route ? proto::to_string(route->dsn) : "";
}

}  // namespace

TEST_SUITE_BEGIN("relay/route");

TEST_CASE("a configured DSN wins by key and project, whatever host the SDK wrote") {
  relay::RouteSettings settings;
  settings.configured = {dsn("https://" + kKey + "@relay.internal:8443/up/42")};
  const auto route = relay::find_route(
      settings, kOwnPort, {kKey, 42, "/evil.example", dsn("http://" + kKey + "@evil/42")});
  REQUIRE(route.has_value());
  CHECK(proto::to_string(route->dsn) == "https://" + kKey + "@relay.internal:8443/up/42");
  CHECK(route->any_address);
}

TEST_CASE(
    "without a configured DSN only sentry.io and names below it may be named, over https, port "
    "443") {
  const relay::RouteSettings none;
  CHECK(by_path(none, "/o1.ingest.us.sentry.io") ==
        "https://" + kKey + "@o1.ingest.us.sentry.io/42");
  CHECK(by_path(none, "/o1.ingest.us.sentry.io/a/b") ==
        "https://" + kKey + "@o1.ingest.us.sentry.io/a/b/42");
  CHECK(by_path(none, "/SENTRY.IO.") == "https://" + kKey + "@sentry.io/42");
  CHECK(by_envelope(none, "https://" + kKey + "@o1.ingest.sentry.io/42") ==
        "https://" + kKey + "@o1.ingest.sentry.io/42");
  const std::vector<std::string> forbidden{
      "",
      "/",
      "/evil-sentry.io",
      "/notsentry.io",
      "/sentry.io.evil.com",
      "/.sentry.io",
      "/a..sentry.io",
      "/user@sentry.io",
      "/o1.sentry.io:8443",
      "/127.0.0.1",
      "/2130706433",
      "/0x7f000001",
      "/017700000001",
      "/[::1]",
      "/[::ffff:127.0.0.1]",
      "/localhost",
      "/169.254.169.254",
      "/o1\tsentry.io",
      "/o1.sentry.io:0",
      "/o1.sentry.io:99999",
      // No DSN can hold them, so after a restart nobody would know where to send it.
      "/sentry.io/a\\b",
      "/sentry.io/a#b",
      "/sentry.io/\xC3\xA4",
  };
  for (const auto& prefix : forbidden) {
    CAPTURE(prefix);
    CHECK(by_path(none, prefix) == "");
  }
  CHECK(by_envelope(none, "http://" + kKey + "@o1.ingest.sentry.io/42") == "");
  CHECK(by_envelope(none, "https://" + kKey + "@o1.ingest.sentry.io:444/42") == "");
}

TEST_CASE("a configured DSN closes the default and opens its own host, with its scheme and port") {
  relay::RouteSettings settings;
  settings.configured = {dsn("http://" + kKey + "@relay.internal:3000/7")};
  CHECK(by_path(settings, "/o1.ingest.us.sentry.io") == "");
  CHECK(by_path(settings, "/relay.internal") == "http://" + kKey + "@relay.internal:3000/42");
  CHECK(by_path(settings, "/relay.internal:3001") == "");
  CHECK(by_envelope(settings, "https://" + kKey + "@relay.internal:3000/42") == "");
}

TEST_CASE(
    "a suffix rule takes names below it and wants public addresses; an exact rule takes any") {
  relay::RouteSettings settings;
  settings.allowed_hosts = {{"example.com", true, true, 443}, {"10.0.0.5", false, false, 9000}};
  const auto below = relay::find_route(settings, kOwnPort, {kKey, 42, "/a.b.example.com"});
  REQUIRE(below.has_value());
  CHECK_FALSE(below->any_address);
  CHECK(by_path(settings, "/example.com") == "");
  CHECK(by_path(settings, "/badexample.com") == "");
  CHECK(by_path(settings, "/10.0.0.5") == "http://" + kKey + "@10.0.0.5:9000/42");
  const auto exact = relay::find_route(settings, kOwnPort, {kKey, 42, "/10.0.0.5:9000"});
  REQUIRE(exact.has_value());
  CHECK(exact->any_address);
}

TEST_CASE("an address in any notation is below no suffix, whatever the suffix") {
  relay::RouteSettings settings;
  settings.allowed_hosts = {{"0.0.1", true, true, 443}, {"1", true, true, 443}};
  for (const std::string prefix : {"/127.0.0.1", "/0x7f.0.0.1", "/0177.0.0.1", "/0x7f.1",
                                   "/127.0x1", "/a.0.0.1", "/[::ffff:127.0.0.1]", "/127.0.0.0x1"}) {
    CAPTURE(prefix);
    CHECK(by_path(settings, prefix) == "");
  }
}

TEST_CASE("who is named exactly may resolve to anything, also where a suffix takes it in first") {
  relay::RouteSettings settings;
  settings.allowed_hosts = {{"example.com", true, true, 443}, {"a.example.com", false, true, 443}};
  const auto route = relay::find_route(settings, kOwnPort, {kKey, 42, "/a.example.com"});
  REQUIRE(route.has_value());
  CHECK(route->any_address);
}

TEST_CASE("a path that names no host leaves the choice to the envelope") {
  relay::RouteSettings settings;
  const auto route =
      relay::find_route(settings, kOwnPort,
                        {kKey, 42, "/some/prefix", dsn("https://" + kKey + "@o1.sentry.io/p/42")});
  REQUIRE(route.has_value());
  CHECK(proto::to_string(route->dsn) == "https://" + kKey + "@o1.sentry.io/p/42");
}

TEST_CASE("Thaw itself is no upstream") {
  relay::RouteSettings settings;
  settings.allowed_hosts = {{"127.0.0.1", false, false, kOwnPort}};
  CHECK(by_envelope(settings, "http://" + kKey + "@127.0.0.1:9797/42") == "");
  CHECK(by_path(settings, "/127.0.0.1:9797") == "");
  CHECK(by_path(settings, "/127.0.0.1") == "");
}

TEST_CASE("where all is captured every key and project leads to Thaw itself") {
  relay::RouteSettings settings;
  const std::string configured(32, 'a');
  const std::string other(32, 'b');
  settings.capture = true;
  settings.configured.push_back(
      *proto::parse_dsn("https://" + configured + "@o1.ingest.sentry.io/42"));
  for (const auto& key : {configured, other}) {
    const auto route = relay::find_route(settings, 9797, {key, 42, "/o1.ingest.sentry.io"});
    REQUIRE(route);
    CHECK(proto::to_string(route->dsn) == "http://" + key + "@localhost:9797/42");
  }
}

TEST_SUITE_END();
