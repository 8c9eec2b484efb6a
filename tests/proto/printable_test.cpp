// Foreign text stays text on a terminal.
#include "proto/printable.hpp"

#include <string>

#include <doctest/doctest.h>

using proto::printable;
using proto::printable_json;

TEST_SUITE_BEGIN("proto/printable");

TEST_CASE("letters of every script stay as they are") {
  for (const auto* text :
       {"", "plain", "Füße, 日本語, العربية, 🦀", "\u00A0\u0100\uFFFD\U0010FFFF",
        "\u07FF\u0800\uD7FF\uE000\uFFFF\U00010000", "👩\u200D🚀\u2010\u202F\u206A"}) {
    CHECK(printable(text) == text);
    CHECK(printable_json(text) == text);
  }
}

TEST_CASE("a control character is none any more, in one byte or two") {
  CHECK(printable("a\x1B[2Jb") == "a\uFFFD[2Jb");
  CHECK(printable("\x1B]0;title\x07") == "\uFFFD]0;title\uFFFD");
  CHECK(printable("a\x7F\x08") == "a\uFFFD\uFFFD");
  CHECK(printable("\x9B"
                  "2J") == "\uFFFD2J");
  CHECK(printable("\xC2\x9B"
                  "2J") == "\uFFFD2J");
  CHECK(printable("\xC2\x80\xC2\x9F\xC2\xA0") == "\uFFFD\uFFFD\u00A0");
  CHECK(printable(std::string("a\0b", 3)) == "a\uFFFDb");
}

TEST_CASE("a line stays one line") {
  CHECK(printable("a\r\nb\tc") == "a  b c");
  CHECK(printable("a\u2028b\u2029c") == "a b c");
}

TEST_CASE("what turns the direction of writing is left out") {
  CHECK(printable("user\u202Etxt.exe") == "user\uFFFDtxt.exe");
  CHECK(printable("\u200E\u202A") == "\uFFFD\uFFFD");
  CHECK(printable("\u2066a\u2069\u200F\u061C") == "\uFFFDa\uFFFD\uFFFD\uFFFD");
}

TEST_CASE("what is no UTF-8 is told from what is") {
  for (const auto* text :
       {"\xC0\x9B", "\xE0\x82\x9B", "\xF0\x80\x82\x9B", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF",
        "\xE2\x82", "\xC3", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xBF\xBF",
        "\xF5\x80\x80\x80"}) {
    const auto printed = printable(text);
    CHECK(printed.starts_with("\uFFFD"));
    CHECK(printed.find('\x9B') != 0);
    for (const char c : printed) CHECK(c != '\x1B');
  }
  CHECK(printable("\xE2\x82"
                  "a") == "\uFFFD\uFFFDa");
}

TEST_CASE("JSON stays the same JSON") {
  CHECK(printable_json("{\"a\":\"\xC2\x9B\x7F\u202E\u2028\"}") ==
        R"({"a":"\u009b\u007f\u202e\u2028"})");
  CHECK(printable_json("{\n\t\"a\": 1}") == "{\n\t\"a\": 1}");
}

TEST_SUITE_END();
