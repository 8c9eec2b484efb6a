#include "relay/crc32c.hpp"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "tests/support/noise.hpp"

using relay::crc32c;
using relay::crc32c_by_instruction;
using relay::crc32c_by_table;

namespace {

struct Vector {
  std::string data;
  std::uint32_t crc;
};

std::string counting(bool upwards) {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes += static_cast<char>(upwards ? i : 31 - i);
  return bytes;
}

// RFC 3720, B.4, where the bytes of the checksum stand in the order they are sent; and the check
// value that catalogues of CRCs name.
const std::initializer_list<Vector> kVectors = {
    {std::string(32, '\0'), 0x8A9136AAU}, {std::string(32, '\xFF'), 0x62A8AB43U},
    {counting(true), 0x46DD794EU},        {counting(false), 0x113FDB5CU},
    {"123456789", 0xE3069283U},           {"", 0},
};

}  // namespace

TEST_SUITE_BEGIN("relay/crc32c");

TEST_CASE("the published vectors, by either way") {
  for (const auto& [data, crc] : kVectors) {
    CAPTURE(data);
    CHECK(crc32c(data) == crc);
    CHECK(crc32c_by_table(data) == crc);
    if (relay::has_crc32c_instruction()) CHECK(crc32c_by_instruction(data) == crc);
  }
}

TEST_CASE("both ways agree on every length and alignment") {
  if (!relay::has_crc32c_instruction()) {
    MESSAGE("this processor has no instruction for it");
    return;
  }
  // Beyond twice the longest lanes and once the shorter ones, so that each is begun again.
  const std::string data = support::noise(7000);
  const std::string_view whole = data;
  for (std::size_t begin = 0; begin < 9; ++begin) {
    std::uint32_t by_table = 1;
    for (std::size_t size = 0; begin + size < data.size(); ++size) {
      const bool same = crc32c_by_instruction(whole.substr(begin, size), 1) == by_table;
      CAPTURE(size);
      if (!same) FAIL("of noise from byte ", begin);
      by_table = crc32c_by_table(whole.substr(begin + size, 1), by_table);
    }
  }
}

TEST_CASE("a checksum is continued where it was left, wherever that was") {
  const std::string data = support::noise(100);
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    const std::string_view whole = data;
    REQUIRE(crc32c(whole.substr(cut), crc32c(whole.substr(0, cut))) == crc32c(data));
  }
}

TEST_SUITE_END();
