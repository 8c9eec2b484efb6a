#include "proto/bytes.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <doctest/doctest.h>

using proto::Bytes;

namespace {

bool padding_is_zero(const Bytes& bytes) {
  const char* end = bytes.data() + bytes.size();
  return std::all_of(end, end + Bytes::kPadding, [](char c) { return c == '\0'; });
}

}  // namespace

TEST_SUITE("proto/bytes") {
  TEST_CASE("a fresh one is empty and has no block") {
    const Bytes bytes;
    CHECK(bytes.empty());
    CHECK(bytes.capacity() == 0);
    CHECK(bytes.view().empty());
  }

  TEST_CASE("even a copy of nothing has its padding") {
    const Bytes bytes = Bytes::copy_of("");
    REQUIRE(bytes.data() != nullptr);
    CHECK(padding_is_zero(bytes));
  }

  TEST_CASE("a move leaves the block where it is and the source empty") {
    Bytes first = Bytes::copy_of("abc");
    const char* block = first.data();
    Bytes second = std::move(first);
    CHECK(second.data() == block);
    CHECK(second.view() == "abc");
    CHECK(first.size() == 0);  // NOLINT(bugprone-use-after-move): what is tested
    CHECK(first.capacity() == 0);
    first = std::move(second);
    CHECK(first.view() == "abc");
  }

  TEST_CASE("reserve keeps what is stored and never shrinks") {
    Bytes bytes = Bytes::copy_of("abc");
    bytes.reserve(100);
    CHECK(bytes.capacity() == 100);
    CHECK(bytes.view() == "abc");
    bytes.reserve(5);
    CHECK(bytes.capacity() == 100);
    CHECK(padding_is_zero(bytes));
  }

  TEST_CASE("fit gives the spare room back and keeps what is stored") {
    for (const std::size_t size : {0UL, 3UL, 3'000'000UL}) {
      CAPTURE(size);
      Bytes bytes = Bytes::copy_of(std::string(size, 'x'));
      bytes.reserve(2 * size + 100);
      bytes.fit();
      CHECK(bytes.capacity() == size);
      CHECK(bytes.view() == std::string(size, 'x'));
      CHECK(padding_is_zero(bytes));
    }
    Bytes none;
    none.fit();
    CHECK(none.data() == nullptr);
  }

  TEST_CASE("resize zeroes the padding behind the new end, longer or shorter") {
    Bytes bytes = Bytes::copy_of(std::string(200, 'x'));
    bytes.resize(10);
    CHECK(bytes.view() == "xxxxxxxxxx");
    CHECK(padding_is_zero(bytes));
    bytes.resize(1000);
    CHECK(bytes.size() == 1000);
    CHECK(padding_is_zero(bytes));
  }

  TEST_CASE("many appends grow geometrically and keep every byte in order") {
    Bytes bytes;
    std::string expected;
    int moves = 0;
    const char* block = nullptr;
    for (int i = 0; i < 1000; ++i) {
      const std::string part = std::to_string(i) + ",";
      bytes.append(part);
      expected += part;
      if (std::exchange(block, bytes.data()) != bytes.data()) ++moves;
    }
    CHECK(bytes.view() == expected);
    CHECK(moves < 16);
    CHECK(padding_is_zero(bytes));
  }
}
