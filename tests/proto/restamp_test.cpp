#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "proto/envelope.hpp"

using namespace std::chrono_literals;
using proto::Bytes;
using proto::Envelope;
using proto::WallTime;

namespace {

constexpr WallTime kNow = WallTime{std::chrono::sys_days{2026y / 11 / 23}} + 18h + 123456us;
constexpr WallTime kLost = WallTime{std::chrono::sys_days{2020y / 1 / 1}} - 1us;

/// The text with $D replaced by the new dsn as JSON, $T by the new time, $K by the key.
std::string filled(std::string text) {
  const auto fill = [&text](std::string_view sign, const std::string& value) {
    for (auto at = text.find(sign); at != std::string::npos; at = text.find(sign)) {
      text.replace(at, sign.size(), value);
    }
  };
  fill("$D", "\"https://$K@o1.ingest.sentry.io/42\"");
  fill("$T", "\"2026-11-23T18:00:00.123456Z\"");
  fill("$K", "abcdef0123456789abcdef0123456789");
  return text;
}

std::string restamped(const std::string& header, WallTime now = kNow) {
  const auto envelope = Envelope::parse(Bytes::copy_of(filled(header))).value();
  const auto dsn = proto::parse_dsn(filled("https://$K@o1.ingest.sentry.io/42")).value();
  return envelope.restamped_header(dsn, now);
}

}  // namespace

TEST_SUITE("proto/restamp") {
  TEST_CASE("absent members are added in front, with a comma only before others") {
    CHECK(restamped("{}") == filled("{\"dsn\":$D,\"sent_at\":$T}\n"));
    CHECK(restamped("{}\n") == filled("{\"dsn\":$D,\"sent_at\":$T}\n"));
    CHECK(restamped("{ }\n") == filled("{\"dsn\":$D,\"sent_at\":$T }\n"));
    CHECK(restamped("{\"a\": 1 }\n") == filled("{\"dsn\":$D,\"sent_at\":$T,\"a\": 1 }\n"));
  }

  TEST_CASE("values are replaced in place and every other byte stays") {
    CHECK(restamped("{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\", \"sent_at\" : "
                    "\"2020-01-01T00:00:00Z\" ,\t\"trace\":{\"dsn\":\"x\",\"sent_at\":1},"
                    "\"dsn\":\"http://$K@127.0.0.1:9797/42\",\"n\":1.50 }\n") ==
          filled("{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\", \"sent_at\" : "
                 "$T ,\t\"trace\":{\"dsn\":\"x\",\"sent_at\":1},"
                 "\"dsn\":$D,\"n\":1.50 }\n"));
  }

  TEST_CASE("one present, one absent") {
    CHECK(restamped(R"({"dsn":"http://$K@h/1"})") == filled("{\"sent_at\":$T,\"dsn\":$D}\n"));
    CHECK(restamped(R"({"sent_at":"2026-11-23T18:00:00Z"})") ==
          filled("{\"dsn\":$D,\"sent_at\":$T}\n"));
  }

  TEST_CASE("null counts as present, so that there is never a second one") {
    CHECK(restamped(R"({"dsn":null,"sent_at" : null })") ==
          filled("{\"dsn\":$D,\"sent_at\" : $T }\n"));
  }

  TEST_CASE("escaped keys and values are understood") {
    CHECK(
        restamped(
            R"({"d\u0073n":"http:\/\/$K@127.0.0.1:9797\/42","\u0073ent_at":"2026-11-23T18:00:00Z"})") ==
        filled(R"({"d\u0073n":$D,"\u0073ent_at":$T})"
               "\n"));
  }

  TEST_CASE("a key that only looks alike is left alone") {
    CHECK(restamped(R"({"DSN":1,"dsn ":2,"x\"dsn":3})") ==
          filled("{\"dsn\":$D,\"sent_at\":$T,\"DSN\":1,\"dsn \":2,\"x\\\"dsn\":3}\n"));
  }

  TEST_CASE("line ends inside the object are kept, blanks before it are not part of it") {
    CHECK(restamped(" \n{\"a\":\n1}\n{\"type\":\"event\"}\n{}") ==
          filled("{\"dsn\":$D,\"sent_at\":$T,\"a\":\n1}\n"));
  }

  TEST_CASE("a clock before 2020 takes sent_at away, with one of its commas") {
    const std::string time = "\"2026-11-23T18:00:00Z\"";
    CHECK(restamped("{\"sent_at\":" + time + "}", kLost) == filled("{\"dsn\":$D}\n"));
    CHECK(restamped("{ \"sent_at\":" + time + " , \"a\":1}", kLost) ==
          filled("{\"dsn\":$D,  \"a\":1}\n"));
    CHECK(restamped("{\"a\":1 , \"sent_at\":" + time + " }", kLost) ==
          filled("{\"dsn\":$D,\"a\":1  }\n"));
    CHECK(restamped("{\"a\":1,\"sent_at\":" + time + ",\"dsn\":null}", kLost) ==
          filled("{\"a\":1,\"dsn\":$D}\n"));
    CHECK(restamped("{\"sent_at\":" + time + ",\"dsn\":null}", kLost) == filled("{\"dsn\":$D}\n"));
    CHECK(restamped("{}", kLost) == filled("{\"dsn\":$D}\n"));
    CHECK(restamped("{}", kLost + 1us) ==
          filled("{\"dsn\":$D,\"sent_at\":\"2020-01-01T00:00:00.000000Z\"}\n"));
  }

  TEST_CASE("what was restamped parses again and is its own fixed point") {
    for (const std::string header :
         {"{}", R"({"x":[{"a":"}"}],"sent_at":null})", R"({ "dsn" :null , "b":2 })"}) {
      CAPTURE(header);
      const std::string once = restamped(header);
      CHECK(restamped(once) == once);
      CHECK(Envelope::parse(Bytes::copy_of(once)).value().dsn()->project_id == 42);
    }
  }
}
