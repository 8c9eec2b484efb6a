#include "proto/timestamp.hpp"

#include <array>
#include <string_view>

#include <doctest/doctest.h>

#include "proto/errc.hpp"

using namespace std::chrono_literals;
using proto::parse_rfc3339;
using proto::to_rfc3339;
using proto::WallTime;

namespace {

constexpr WallTime kEvening = WallTime{std::chrono::sys_days{2026y / 11 / 23}} + 18h;

}  // namespace

TEST_SUITE("proto/timestamp") {
  TEST_CASE("printing is UTC with six digits, always") {
    CHECK(to_rfc3339(kEvening) == "2026-11-23T18:00:00.000000Z");
    CHECK(to_rfc3339(kEvening + 123456us + 999ns) == "2026-11-23T18:00:00.123456Z");
    CHECK(to_rfc3339(WallTime{}) == "1970-01-01T00:00:00.000000Z");
    CHECK(to_rfc3339(WallTime{-1us}) == "1969-12-31T23:59:59.999999Z");
  }

  TEST_CASE("what was printed parses to the same microsecond") {
    for (const auto time : {kEvening, kEvening + 1us, kEvening - 1us, WallTime{-1us}}) {
      CHECK(parse_rfc3339(to_rfc3339(time)).value() == time);
    }
  }

  TEST_CASE("the forms in which SDKs write a time are read") {
    CHECK(parse_rfc3339("2026-11-23T18:00:00Z").value() == kEvening);
    CHECK(parse_rfc3339("2026-11-23t18:00:00z").value() == kEvening);
    CHECK(parse_rfc3339("2026-11-23 18:00:00+00:00").value() == kEvening);
    CHECK(parse_rfc3339("2026-11-23T20:30:00+02:30").value() == kEvening);
    CHECK(parse_rfc3339("2026-11-23T10:00:00-0800").value() == kEvening);
    CHECK(parse_rfc3339("2026-11-23T18:00:00.5Z").value() == kEvening + 500ms);
    CHECK(parse_rfc3339("2026-11-23T18:00:00.123456789123Z").value() == kEvening + 123456789ns);
    CHECK(parse_rfc3339("2026-11-23T17:59:60Z").value() == kEvening);
    CHECK(parse_rfc3339("2024-02-29T00:00:00Z").has_value());
  }

  TEST_CASE("a year the clock cannot hold becomes the clock's nearest end") {
    CHECK(parse_rfc3339("9999-12-31T23:59:59Z").value() == WallTime::max());
    CHECK(parse_rfc3339("0001-01-01T00:00:00Z").value() == WallTime::min());
  }

  TEST_CASE("anything else is refused as of the wrong shape") {
    constexpr std::array<std::string_view, 24> kBad{
        "",
        "yesterday",
        "2026-11-23",
        "2026-11-23T18:00Z",
        "2026-11-23T18:00:00",
        "2026-11-23T18:00:00Z ",
        " 2026-11-23T18:00:00Z",
        "2026-11-23T18:00:00.Z",
        "2026-11-23T18:00:00,5Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-00T00:00:00Z",
        "2026-11-23T24:00:00Z",
        "2026-11-23T18:60:00Z",
        "2026-11-23T18:00:61Z",
        "2026-11-23T18:00:00+24:00",
        "2026-11-23T18:00:00-24:00",
        "2026-11-23T18:00:00-23:60",
        "2026-11-23T18:00:00+1:00",
        "26-11-23T18:00:00Z",
        "20261123T18:00:00Z",
        "2026-11-23T180000Z",
        "2026-1-23T18:00:00Z",
    };
    for (const auto text : kBad) {
      CAPTURE(text);
      CHECK(parse_rfc3339(text).error() == proto::Errc::json_shape);
    }
  }
}
