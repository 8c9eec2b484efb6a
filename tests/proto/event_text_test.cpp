#include "proto/event_text.hpp"

#include <string>

#include <doctest/doctest.h>

using proto::clipped;
using proto::tag_text;
using proto::valid_environment;
using proto::valid_release;

TEST_SUITE("proto/event_text") {
  TEST_CASE("a text is cut at its limit, but not within a character") {
    CHECK(clipped("abc", 4) == "abc");
    CHECK(clipped("abcd", 4) == "abcd");
    CHECK(clipped("abcde", 4) == "abcd");
    CHECK(clipped("abc\xC3\xA9", 5) == "abc\xC3\xA9");
    CHECK(clipped("abc\xC3\xA9", 4) == "abc");
    CHECK(clipped("a\xF0\x9F\x92\xA9z", 4) == "a");
    CHECK(clipped("a\xF0\x9F\x92\xA9z", 5) == "a\xF0\x9F\x92\xA9");
    CHECK(clipped("\x80\x80\x80", 2).empty());
    CHECK(clipped("abc", 0).empty());
  }

  TEST_CASE("a tag has 200 bytes at most, and no line end") {
    for (const std::size_t size : {199U, 200U}) {
      CHECK(tag_text(std::string(size, 'x')) == std::string(size, 'x'));
    }
    CHECK(tag_text(std::string(201, 'x')) == std::string(200, 'x'));
    CHECK(tag_text("a\r\nb") == "a  b");
    CHECK(tag_text("").empty());
  }

  TEST_CASE("what Relay would delete is no release") {
    for (const std::string text :
         {"1", "my-app@1.0.0+build 7", "$LATEST", "latest2", "...", "none", "caf\xC3\xA9"}) {
      CAPTURE(text);
      CHECK(valid_release(text) == text);
    }
    for (const std::string text :
         {"", ".", "..", "latest", "LATEST", "Latest", "a/b", "a\\b", "a\nb", "a\tb", "a\x7F"}) {
      CAPTURE(text);
      CHECK(valid_release(text).empty());
    }
    CHECK(valid_release(std::string(199, 'x')).size() == 199);
    CHECK(valid_release(std::string(200, 'x')).size() == 200);
    CHECK(valid_release(std::string(201, 'x')).empty());
  }

  TEST_CASE("what Relay would delete is no environment") {
    for (const std::string text : {"production", "latest", "nonesuch", "eu west"}) {
      CAPTURE(text);
      CHECK(valid_environment(text) == text);
    }
    for (const std::string text : {"", ".", "..", "none", "None", "a/b", "a\\b", "a\rb"}) {
      CAPTURE(text);
      CHECK(valid_environment(text).empty());
    }
    CHECK(valid_environment(std::string(63, 'x')).size() == 63);
    CHECK(valid_environment(std::string(64, 'x')).size() == 64);
    CHECK(valid_environment(std::string(65, 'x')).empty());
  }
}
