// Who a web page is by its Origin, and what it is told.
#include "relay/origin.hpp"

#include <string>

#include <doctest/doctest.h>

using relay::judge_origin;
using relay::normalize_origin;
using relay::OriginSettings;
using relay::OriginVerdict;

namespace {

OriginVerdict judged(std::string_view origin) {
  static const OriginSettings settings{true, {"https://app.example.com", "http://[fd00::1]:8080"}};
  return judge_origin(settings, origin);
}

}  // namespace

TEST_SUITE_BEGIN("relay/origin");

TEST_CASE("no page at all, or one of this machine's, is none of another site") {
  for (const auto* origin :
       {"", "http://localhost", "http://localhost:3000", "https://localhost:3000",
        "HTTP://LocalHost:3000", "http://127.0.0.1:9797", "http://127.1.2.3", "http://[::1]",
        "http://[::1]:5173", "http://localhost.:3000"}) {
    CAPTURE(origin);
    CHECK(judged(origin) == OriginVerdict::same);
  }
}

TEST_CASE("what only resolves to loopback, or only looks like it, is foreign") {
  for (const auto* origin : {"null",
                             "NULL",
                             "https://example.com",
                             "http://localhost.example.com",
                             "http://localtest.me:3000",
                             "http://127.0.0.1.example.com",
                             "http://127.0.0.1.nip.io",
                             "http://localhost@example.com",
                             "http://example.com@localhost",
                             "http://localhost:0",
                             "http://localhost:65536",
                             "http://localhost:x",
                             "http://localhost:",
                             "http://localhost/",
                             "http://[::1",
                             "http://[::1]x",
                             "http://[fe80::1]",
                             "http://10.0.0.1",
                             "http://0.0.0.0",
                             "http://2130706433",
                             "http://",
                             "localhost",
                             "file://",
                             "file://localhost",
                             "chrome-extension://localhost",
                             "http://localhost, http://localhost",
                             "*",
                             "http://localhost https://example.com",
                             "http://localhost\texample"}) {
    CAPTURE(origin);
    CHECK(judged(origin) == OriginVerdict::foreign);
  }
}

TEST_CASE("who is named is allowed by scheme, host and port, whatever the case") {
  for (const auto* origin : {"https://app.example.com", "HTTPS://App.Example.COM",
                             "https://app.example.com:443", "http://[FD00::1]:8080"}) {
    CAPTURE(origin);
    CHECK(judged(origin) == OriginVerdict::allowed);
  }
  for (const auto* origin :
       {"http://app.example.com", "https://app.example.com:8443", "https://example.com",
        "https://x.app.example.com", "https://app.example.com.evil.com", "http://[fd00::1]"}) {
    CAPTURE(origin);
    CHECK(judged(origin) == OriginVerdict::foreign);
  }
}

TEST_CASE("where it is not checked nobody is foreign") {
  CHECK(judge_origin({}, "https://example.com") == OriginVerdict::same);
  CHECK(judge_origin({}, "null") == OriginVerdict::same);
}

TEST_CASE("a normalized origin is what a browser writes") {
  CHECK(normalize_origin("https://App.example.com:443") == "https://app.example.com");
  CHECK(normalize_origin("http://app.example.com:80") == "http://app.example.com");
  CHECK(normalize_origin("http://app.example.com:443") == "http://app.example.com:443");
  CHECK(normalize_origin("http://[::1]:3000") == "http://[::1]:3000");
  CHECK_FALSE(normalize_origin("*"));
  CHECK_FALSE(normalize_origin("null"));
  CHECK_FALSE(normalize_origin("app.example.com"));
  CHECK_FALSE(normalize_origin("https://app.example.com/"));
  CHECK_FALSE(normalize_origin("https://*.example.com"));
}

TEST_CASE("a preflight is answered as Relay does, and for one page alone") {
  const auto answer = relay::preflight_answer("HTTPS://App.example.com");
  CHECK(answer.status == 200);
  CHECK(answer.headers.starts_with(
      "Access-Control-Allow-Origin: https://app.example.com\r\nVary: Origin\r\n"));
  CHECK(answer.headers.find("Access-Control-Allow-Headers: x-sentry-auth, ") != std::string::npos);
  CHECK(answer.headers.ends_with("Access-Control-Max-Age: 3600\r\n"));
  CHECK(answer.headers.find('*') == std::string::npos);
}

TEST_CASE("what else an answer says stays beside the page's leave to read it") {
  relay::Answer limited{200, "{}"};
  limited.headers = "X-Sentry-Rate-Limits: 60:error:key\r\n";
  const auto answer = relay::readable_by("https://app.example.com", std::move(limited));
  CHECK(answer.headers ==
        "X-Sentry-Rate-Limits: 60:error:key\r\n"
        "Access-Control-Allow-Origin: https://app.example.com\r\nVary: Origin\r\n"
        "Access-Control-Expose-Headers: x-sentry-error, x-sentry-rate-limits, retry-after\r\n");
  CHECK(answer.body == "{}");
}

TEST_SUITE_END();
