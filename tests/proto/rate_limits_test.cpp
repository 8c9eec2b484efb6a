#include "proto/rate_limits.hpp"

#include <array>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "proto/timestamp.hpp"

using namespace std::chrono_literals;
using proto::Category;
using proto::ItemFacts;
using proto::parse_retry_after;
using proto::RateLimits;
using proto::WallTime;

namespace {

constexpr WallTime kNow = WallTime{std::chrono::sys_days{2026y / 11 / 23}} + 18h;

RateLimits learnt(std::string_view header) {
  RateLimits limits;
  limits.learn(header, kNow);
  return limits;
}

ItemFacts item(std::string_view type, std::string_view attachment_type = {}) {
  return {.type = type, .attachment_type = attachment_type, .platform = {}};
}

}  // namespace

TEST_SUITE("proto/rate_limits") {
  TEST_CASE("nothing learnt, nothing blocked") {
    const RateLimits limits;
    CHECK_FALSE(limits.any(kNow));
    CHECK_FALSE(limits.blocked(Category::error, kNow));
    CHECK(limits.to_header(kNow).empty());
  }

  TEST_CASE("a limit holds for its categories until its last second is over") {
    const auto limits = learnt("60:transaction:key, 2700:default;error;security:organization");
    CHECK(limits.blocked(Category::transaction, kNow));
    CHECK(limits.blocked(Category::transaction, kNow + 60s - 1ns));
    CHECK_FALSE(limits.blocked(Category::transaction, kNow + 60s));
    CHECK_FALSE(limits.blocked(Category::transaction, kNow + 60s + 1ns));
    CHECK(limits.blocked(Category::security, kNow + 2699s));
    CHECK_FALSE(limits.blocked(Category::session, kNow));
    CHECK(limits.any(kNow + 2699s));
    CHECK_FALSE(limits.any(kNow + 2700s));
  }

  TEST_CASE("a limit without categories is for all but our own reports") {
    const auto limits = learnt("60::organization");
    CHECK(limits.blocked(Category::error, kNow));
    CHECK(limits.blocked(item("brand_new"), kNow));
    CHECK(limits.blocked(item("form_data"), kNow));
    CHECK_FALSE(limits.blocked(Category::internal, kNow));
    CHECK_FALSE(limits.blocked(item("client_report"), kNow));
  }

  TEST_CASE("an item is blocked by any of its categories") {
    CHECK(learnt("60:log_byte:key").blocked(item("log"), kNow));
    CHECK(learnt("60:log_item:key").blocked(item("log"), kNow));
    CHECK(learnt("60:error:key").blocked(item("attachment", "event.minidump"), kNow));
    CHECK_FALSE(learnt("60:error:key").blocked(item("attachment"), kNow));
    CHECK_FALSE(learnt("60:default:key").blocked(item("brand_new"), kNow));
  }

  TEST_CASE("unknown categories are ignored and never mean all") {
    CHECK_FALSE(learnt("60:seer_autofix;new:key").any(kNow));
    CHECK(learnt("60:new;error:key").blocked(Category::error, kNow));
    CHECK_FALSE(learnt("60:;:key").any(kNow));
    CHECK_FALSE(learnt("60:internal:key").any(kNow));
    CHECK(learnt("60:user_report_v2:key").blocked(Category::feedback, kNow));
  }

  TEST_CASE("decimals are rounded up, negatives are over at once, rubbish is skipped") {
    CHECK(learnt("1.2:error:key").blocked(Category::error, kNow + 1999ms));
    CHECK_FALSE(learnt("1.2:error:key").blocked(Category::error, kNow + 2s));
    CHECK_FALSE(learnt("-5:error:key").any(kNow));
    for (const std::string header : {"", ",", ":::", "x:error:key", "nan:error:key",
                                     "inf:error:key", "60", "::organization", "60s:error:key"}) {
      CAPTURE(header);
      CHECK_FALSE(learnt(header).any(kNow));
    }
    CHECK(learnt("x:error:key,60:session:key").blocked(Category::session, kNow));
    CHECK(learnt(" 60 : error ; session : key ").blocked(Category::session, kNow));
  }

  TEST_CASE("no limit is longer than an hour, whatever upstream says") {
    for (const std::string header : {"3600:error:key", "3601:error:key", "1e18:error:key",
                                     "1e308::organization", "99999999999999999999:error:key"}) {
      CAPTURE(header);
      CHECK(learnt(header).blocked(Category::error, kNow + 3599s));
      CHECK_FALSE(learnt(header).any(kNow + 1h));
    }
    RateLimits bare;
    bare.learn_bare_429("999999999", kNow);
    CHECK(bare.to_header(kNow) == "3600::organization");
  }

  TEST_CASE("reason codes, namespaces and what may come behind them change nothing") {
    const auto limits = learnt("2700:metric_bucket:organization:quota_exceeded:custom:later");
    CHECK(limits.blocked(Category::metric_bucket, kNow));
    CHECK(
        learnt("30:log_item;log_byte:organization:log_usage_exceeded").blocked(item("log"), kNow));
  }

  TEST_CASE("a shorter limit never shortens a longer one") {
    auto limits = learnt("60:error:key");
    limits.learn("10:error:key", kNow + 1s);
    CHECK(limits.blocked(Category::error, kNow + 59s));
    limits.learn("100:error:key", kNow + 1s);
    CHECK(limits.blocked(Category::error, kNow + 100s));
  }

  TEST_CASE("a clock that steps back never lengthens a limit") {
    CHECK(learnt("60:error:key").to_header(kNow - 24h) == "60:error:key");
    CHECK(learnt("60:error:key").to_header(kNow - 1ns) == "60:error:key");
  }

  TEST_CASE(
      "a limit that a clock's step back met ends after what was left of it, not an hour later") {
    const auto limits = learnt("60:error:key,30::organization");
    CHECK(limits.to_header(kNow + 20s) == "40:error:key,10::organization");
    const WallTime back = kNow + 20s - 1h;
    CHECK(limits.to_header(back) == "40:error:key,10::organization");
    CHECK(limits.to_header(back + 9s) == "31:error:key,1::organization");
    CHECK(limits.blocked(Category::error, back + 39s));
    CHECK_FALSE(limits.blocked(Category::error, back + 40s));
  }

  TEST_CASE("a clock that steps forward an hour ends a limit, and stepping back revives none") {
    const auto limits = learnt("60:error:key");
    CHECK_FALSE(limits.blocked(Category::error, kNow + 1h));
    CHECK_FALSE(limits.blocked(Category::error, kNow + 10s));
    auto ahead = RateLimits{};
    ahead.learn("60:error:key", kNow + 1h);
    CHECK(ahead.to_header(kNow) == "60:error:key");
    CHECK_FALSE(ahead.any(kNow + 60s));
  }

  TEST_CASE("a limit of the same length learnt a moment later holds from then") {
    auto limits = learnt("60:error:key");
    limits.learn("60:error:key", kNow + 500ms);
    CHECK(limits.blocked(Category::error, kNow + 60s));
    CHECK_FALSE(limits.blocked(Category::error, kNow + 60s + 500ms));
  }

  TEST_CASE("a limit on profiling time stops the chunks that cost it") {
    const ItemFacts ui{.type = "profile_chunk", .attachment_type = {}, .platform = "cocoa"};
    CHECK(learnt("60:profile_duration:key").blocked(item("profile_chunk"), kNow));
    CHECK_FALSE(learnt("60:profile_duration:key").blocked(ui, kNow));
    CHECK(learnt("60:profile_duration_ui:key").blocked(ui, kNow));
    CHECK_FALSE(learnt("60:profile_duration_ui:key").blocked(item("profile_chunk"), kNow));
    CHECK_FALSE(learnt("60:profile_duration:key").blocked(item("profile"), kNow));
  }

  TEST_CASE("several headers joined are one, and a limit is found behind an unreadable one") {
    const auto limits = learnt("60:error:key,,x:session:key, 30.5:session:key ,,45::organization");
    CHECK(limits.to_header(kNow) == "60:error:key,45::organization");
    CHECK(limits.blocked(Category::session, kNow + 44s));
  }

  TEST_CASE("what an answer names can be asked for whatever time it has left") {
    RateLimits named;
    named.learn("0:error:key,-1:session:key,x:log_item:key,60:span:key", kNow, 1s);
    CHECK(named.blocked(Category::error, kNow));
    CHECK(named.blocked(Category::session, kNow));
    CHECK_FALSE(named.blocked(Category::log_item, kNow));
    CHECK(named.to_header(kNow) == "1:error;session:key,60:span:key");
  }

  TEST_CASE("a bare 429 is for everything, 60 s unless it says how long") {
    RateLimits limits;
    limits.learn_bare_429("", kNow);
    CHECK(limits.to_header(kNow) == "60::organization");
    RateLimits named;
    named.learn_bare_429("120", kNow);
    CHECK(named.blocked(Category::session, kNow + 119s));
    RateLimits odd;
    odd.learn_bare_429("soon", kNow);
    CHECK(odd.to_header(kNow) == "60::organization");
    RateLimits dated;
    dated.learn_bare_429("Mon, 23 Nov 2026 18:02:00 GMT", kNow);
    CHECK(dated.to_header(kNow) == "120::organization");
    dated.learn_bare_429("10", kNow);
    CHECK(dated.to_header(kNow) == "120::organization");
  }

  TEST_CASE("SDKs are told what is left, grouped, without blanks") {
    auto limits = learnt("60:transaction;error:key,45:session:project,30::organization");
    CHECK(limits.to_header(kNow) == "60:error;transaction:key,45:session:key,30::organization");
    CHECK(limits.to_header(kNow + 500ms) ==
          "60:error;transaction:key,45:session:key,30::organization");
    CHECK(limits.to_header(kNow + 31s) == "29:error;transaction:key,14:session:key");
    CHECK(limits.to_header(kNow + 60s).empty());
  }

  TEST_CASE("a category whose own limit is the shorter is left to the one for all") {
    CHECK(learnt("30:error:key,60::organization").to_header(kNow) == "60::organization");
  }

  TEST_CASE("what is told can be learnt again") {
    const auto limits = learnt("60:error;transaction:key,90:log_byte:key,30::organization");
    CHECK(learnt(limits.to_header(kNow)).to_header(kNow) == limits.to_header(kNow));
  }

  TEST_CASE("a Retry-After may lie in each month of the year") {
    constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (unsigned month = 1; month <= 12; ++month) {
      CAPTURE(month);
      const std::string number = (month < 10 ? "0" : "") + std::to_string(month);
      const auto now = proto::parse_rfc3339("2026-" + number + "-06T08:48:37Z");
      REQUIRE(now.has_value());
      const std::string name(kMonths.substr((month - 1) * std::size_t{3}, 3));
      CHECK(parse_retry_after("Sun, 06 " + name + " 2026 08:49:37 GMT", *now) == 60s);
    }
  }

  TEST_CASE("Retry-After is seconds or a date") {
    CHECK(parse_retry_after("120", kNow) == 120s);
    CHECK(parse_retry_after(" 1.5 ", kNow) == 2s);
    CHECK(parse_retry_after("-3", kNow) == 0s);
    CHECK(parse_retry_after("Mon, 23 Nov 2026 18:01:00 GMT", kNow) == 60s);
    CHECK(parse_retry_after("Mon, 23 Nov 2026 17:00:00 GMT", kNow) == 0s);
    CHECK(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", kNow) == 1h);
    // Farther away than a duration can say.
    const proto::WallTime wrong_clock{-1'000'000'000s};
    CHECK(parse_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", wrong_clock) == 1h);
    for (const std::string text :
         {"", "soon", "Mon, 23 Nov 2026 18:01:00 UTC", "Mon, 23 anN 2026 18:01:00 GMT",
          "Mon, 23 anF 2026 18:01:00 GMT", "Mon, 99 Nov 2026 18:01:00 GMT", "1 2"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_retry_after(text, kNow).has_value());
    }
  }
}
