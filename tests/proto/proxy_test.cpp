#include "proto/proxy.hpp"

#include <string>

#include <doctest/doctest.h>

#include "proto/errc.hpp"

using proto::Errc;
using proto::parse_no_proxy;
using proto::parse_proxy;
using proto::ProxyRules;

namespace {

/// Whether an upstream is reached without the proxy.
bool direct(const char* no_proxy, const char* host, std::uint16_t port = 443) {
  ProxyRules rules;
  rules.https = *parse_proxy("http://proxy.test:3128", "https_proxy");
  rules.except = parse_no_proxy(no_proxy);
  return rules.choose(true, host, port) == nullptr;
}

}  // namespace

TEST_SUITE("proto/proxy") {
  TEST_CASE("a proxy's URL: scheme, user, port and path may be missing") {
    struct Row {
      const char* text;
      const char* host;
      int port;
      const char* authorization;
    };

    const Row rows[] = {
        {"http://proxy.corp:3128", "proxy.corp", 3128, ""},
        {"HTTP://Proxy.Corp.:3128/", "proxy.corp", 3128, ""},
        {"proxy.corp:3128", "proxy.corp", 3128, ""},
        {"proxy.corp", "proxy.corp", 80, ""},
        {"http://10.0.0.1:1/path?x=y#z", "10.0.0.1", 1, ""},
        {"http://[FD00::1]:65535", "fd00::1", 65535, ""},
        {"http://[fd00::1]", "fd00::1", 80, ""},
        {"fd00::1", "fd00::1", 80, ""},
        {"http://user:pass@proxy:8080", "proxy", 8080, "Basic dXNlcjpwYXNz"},
        {"user:pass@proxy:8080", "proxy", 8080, "Basic dXNlcjpwYXNz"},
        {"http://user@proxy", "proxy", 80, "Basic dXNlcjo="},
        {"http://user:@proxy", "proxy", 80, "Basic dXNlcjo="},
        {"http://:pass@proxy", "proxy", 80, "Basic OnBhc3M="},
        {"http://@proxy", "proxy", 80, ""},
        // user "a b", password "p@s:s/%+"
        {"http://a%20b:p%40s%3As%2F%25+@proxy", "proxy", 80, "Basic YSBiOnBAczpzLyUr"},
        {"http://u:p@ss@proxy", "proxy", 80, "Basic dTpwQHNz"},
        {"http://u:100%@proxy", "proxy", 80, "Basic dToxMDAl"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.text);
      const auto proxy = parse_proxy(row.text, "https_proxy");
      REQUIRE(proxy.has_value());
      CHECK(proxy->host == row.host);
      CHECK(proxy->port == row.port);
      CHECK(proxy->authorization == row.authorization);
      CHECK(proxy->variable == "https_proxy");
    }
  }

  TEST_CASE("what is no proxy of ours is an error with its reason") {
    for (const char* text :
         {"https://proxy:3128", "socks5://proxy:1080", "socks5h://proxy", "://p"})
      CHECK(parse_proxy(text, "").error() == Errc::proxy_scheme);
    for (const char* text : {"http://", "", "http://:3128", "http://user:pass@", "http://a b",
                             "http://[::1", "http://a\nb"})
      CHECK(parse_proxy(text, "").error() == Errc::proxy_host);
    for (const char* text :
         {"http://p:", "http://p:0", "http://p:65536", "http://p:x", "http://p:-1"})
      CHECK(parse_proxy(text, "").error() == Errc::proxy_port);
  }

  TEST_CASE("what is said of a proxy holds no credentials") {
    for (const auto* text : {"http://user:1234/x@proxy:3128", "http://user:p@ss/word@proxy"}) {
      CHECK(parse_proxy(text, "").error() == Errc::proxy_host);
    }
    CHECK(parse_proxy("http://user:pass@[fd00::1]:3128", "x")->to_public_string() ==
          "[fd00::1]:3128");
    CHECK(parse_proxy("user:pass@proxy", "x")->to_public_string() == "proxy:80");
  }

  TEST_CASE("each scheme has its proxy, or none") {
    ProxyRules rules;
    CHECK(rules.choose(true, "a.test", 443) == nullptr);
    CHECK(rules.choose(false, "a.test", 80) == nullptr);
    rules.https = *parse_proxy("tls:1", "https_proxy");
    CHECK(rules.choose(true, "a.test", 443) == &*rules.https);
    CHECK(rules.choose(false, "a.test", 80) == nullptr);
    rules.http = *parse_proxy("plain:1", "http_proxy");
    CHECK(rules.choose(true, "a.test", 443) == &*rules.https);
    CHECK(rules.choose(false, "a.test", 80) == &*rules.http);
  }

  TEST_CASE("loopback has none, however it is written") {
    for (const char* host :
         {"localhost", "a.localhost", "127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"}) {
      CAPTURE(host);
      CHECK(direct("", host));
    }
    for (const char* host : {"localhost.test", "notlocalhost", "126.0.0.1", "128.0.0.1", "::2",
                             "127.test", "10.0.0.1"}) {
      CAPTURE(host);
      CHECK_FALSE(direct("", host));
    }
  }

  TEST_CASE("no_proxy: names") {
    CHECK(direct("*", "anything.test"));
    CHECK(direct("*", "10.0.0.1"));
    CHECK_FALSE(direct("", "a.test"));
    for (const char* list : {"a.test", ".a.test", "*.a.test", "A.Test.", "x, a.test ,y", "x a.test",
                             ",,a.test,", "\ta.test"}) {
      CAPTURE(list);
      CHECK(direct(list, "a.test"));
      CHECK(direct(list, "deep.in.a.test"));
      CHECK_FALSE(direct(list, "ba.test"));
      CHECK_FALSE(direct(list, "test"));
      CHECK_FALSE(direct(list, "a.test.evil"));
    }
  }

  TEST_CASE("no_proxy: an entry with a port is for that port") {
    CHECK(direct("a.test:8443", "a.test", 8443));
    CHECK(direct(".a.test:8443", "b.a.test", 8443));
    CHECK_FALSE(direct("a.test:8443", "a.test", 443));
    CHECK(direct("10.0.0.1:8443", "10.0.0.1", 8443));
    CHECK_FALSE(direct("10.0.0.1:8443", "10.0.0.1", 443));
    CHECK(direct("[fd00::1]:8443", "fd00::1", 8443));
    CHECK_FALSE(direct("[fd00::1]:8443", "fd00::1", 443));
  }

  TEST_CASE("no_proxy: addresses, and blocks of them") {
    CHECK(direct("10.0.0.1", "10.0.0.1"));
    CHECK_FALSE(direct("10.0.0.1", "10.0.0.10"));
    CHECK_FALSE(direct("10.0.0.1", "1.10.0.0.1.test"));
    CHECK_FALSE(direct("0.0.1", "10.0.0.1"));
    CHECK(direct("fd00::1", "fd00::1"));
    CHECK(direct("[fd00::1]", "fd00::1"));
    CHECK(direct("fd00:0:0::1", "fd00::1"));

    CHECK(direct("10.0.0.0/8", "10.255.255.255"));
    CHECK_FALSE(direct("10.0.0.0/8", "11.0.0.0"));
    CHECK(direct("10.0.0.0/15", "10.1.255.255"));
    CHECK_FALSE(direct("10.0.0.0/15", "10.2.0.0"));
    CHECK(direct("10.0.0.4/31", "10.0.0.5"));
    CHECK_FALSE(direct("10.0.0.4/31", "10.0.0.6"));
    CHECK(direct("10.0.0.4/32", "10.0.0.4"));
    CHECK_FALSE(direct("10.0.0.4/32", "10.0.0.5"));
    CHECK(direct("0.0.0.0/0", "1.2.3.4"));
    CHECK_FALSE(direct("0.0.0.0/0", "fd00::1"));
    CHECK_FALSE(direct("0.0.0.0/0", "a.test"));
    CHECK(direct("fd00::/8", "fdff::1"));
    CHECK_FALSE(direct("fd00::/8", "fe00::1"));
    CHECK(direct("fd00::1/128", "fd00::1"));
    CHECK(direct("::/0", "fd00::1"));
  }

  TEST_CASE("no_proxy: nonsense is skipped, the others count") {
    for (const char* list :
         {"10.0.0.0/33,a.test", "10.0.0.0/,a.test", "10.0.0.0/4294967295,a.test",
          "fd00::/129,a.test", "b.test/8,a.test", "b.test:0,a.test", "b.test:x,a.test", ".,a.test",
          "10.0.0.0/-1,a.test", "user@b.test,a.test"}) {
      CAPTURE(list);
      CHECK(parse_no_proxy(list).size() == 1);
      CHECK(direct(list, "a.test"));
      CHECK_FALSE(direct(list, "b.test"));
      CHECK_FALSE(direct(list, "10.0.0.1"));
    }
  }
}
