#include "proto/number.hpp"

#include <string>

#include <doctest/doctest.h>

using proto::parse_number;
using proto::parse_port;

TEST_SUITE("proto/number") {
  TEST_CASE("text that is a number and nothing else is read") {
    CHECK(parse_number<std::uint64_t>("0") == 0);
    CHECK(parse_number<std::uint64_t>("18446744073709551615") == 18446744073709551615U);
    CHECK(parse_number<std::int64_t>("-7") == -7);
    CHECK(parse_number<double>("1.5") == 1.5);
    for (const std::string text :
         {"", " 1", "1 ", "+1", "-1", "1.0", "0x1", "one", "18446744073709551616"}) {
      CAPTURE(text);
      CHECK_FALSE(parse_number<std::uint64_t>(text).has_value());
    }
  }

  TEST_CASE("a port is 1 to 65535") {
    CHECK_FALSE(parse_port("0").has_value());
    CHECK(parse_port("1") == 1);
    CHECK(parse_port("65535") == 65535);
    CHECK_FALSE(parse_port("65536").has_value());
  }
}
