#include "relay/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#include <sys/platform/x86.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <sys/auxv.h>
#endif

namespace relay {
namespace {

constexpr std::uint32_t kReflectedPolynomial = 0x82F63B78U;

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < table.size(); ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kReflectedPolynomial : 0U);
    }
    table[byte] = crc;
  }
  return table;
}

constexpr std::array<std::uint32_t, 256> kTable = make_table();

// One step of the instruction, eight bytes or one; each platform has its own word for it.
#if defined(__x86_64__)
#define THAW_CRC_TARGET __attribute__((target("sse4.2")))

THAW_CRC_TARGET std::uint32_t step(std::uint32_t crc, std::uint64_t word) {
  return static_cast<std::uint32_t>(_mm_crc32_u64(crc, word));
}

THAW_CRC_TARGET std::uint32_t step(std::uint32_t crc, std::uint8_t byte) {
  return _mm_crc32_u8(crc, byte);
}
#elif defined(__aarch64__)
#define THAW_CRC_TARGET __attribute__((target("+crc")))

THAW_CRC_TARGET std::uint32_t step(std::uint32_t crc, std::uint64_t word) {
  return __crc32cd(crc, word);
}

THAW_CRC_TARGET std::uint32_t step(std::uint32_t crc, std::uint8_t byte) {
  return __crc32cb(crc, byte);
}
#else
#define THAW_CRC_TARGET

std::uint32_t step(std::uint32_t crc, std::uint8_t byte) {
  return (crc >> 8U) ^ kTable[(crc ^ byte) & 0xFFU];
}

std::uint32_t step(std::uint32_t crc, std::uint64_t word) {
  for (int i = 0; i < 8; ++i, word >>= 8U) crc = step(crc, static_cast<std::uint8_t>(word));
  return crc;
}
#endif

std::uint64_t word_at(std::string_view data, std::size_t at) {
  std::uint64_t word = 0;
  std::memcpy(&word, data.data() + at, sizeof word);
  return word;
}

/// x to the power of `exponent` modulo the polynomial, reflected as a checksum is.
constexpr std::uint32_t power_of_x(std::size_t exponent) {
  std::uint32_t power = 1U << 31U;
  for (; exponent > 0; --exponent) {
    power = (power >> 1U) ^ ((power & 1U) != 0 ? kReflectedPolynomial : 0U);
  }
  return power;
}

/// The product of two polynomials over GF(2): each factor as four, of every fourth bit, so that no
/// carry of an ordinary product reaches the next bit that counts (at most 8 bits add up).
constexpr std::uint64_t carryless_product(std::uint32_t a, std::uint32_t b) {
  constexpr std::uint64_t kEveryFourth = 0x1111'1111'1111'1111U;
  std::array<std::uint64_t, 4> sums{};
  for (unsigned i = 0; i < 4; ++i) {
    for (unsigned j = 0; j < 4; ++j) {
      sums[(i + j) % 4] ^= (a & (kEveryFourth << i)) * (b & (kEveryFourth << j));
    }
  }
  std::uint64_t product = 0;
  for (unsigned i = 0; i < 4; ++i) product |= sums[i] & (kEveryFourth << i);
  return product;
}

/// Takes three lanes of `lane` bytes at a time off the front of `data`: the instruction's result
/// comes three cycles after its operands, but another may begin in each. The first two checksums
/// are then moved over the lanes that follow theirs: times x^(8 lane), x^(16 lane). The product of
/// two reflected numbers lacks a factor x, and the instruction multiplies by x^32: 33 less.
template <std::size_t lane>
THAW_CRC_TARGET std::uint32_t by_lanes(std::uint32_t crc, std::string_view& data) {
  constexpr std::uint32_t kOverOne = power_of_x(8 * lane - 33);
  constexpr std::uint32_t kOverTwo = power_of_x(16 * lane - 33);
  for (; data.size() >= 3 * lane; data.remove_prefix(3 * lane)) {
    std::uint32_t second = 0;
    std::uint32_t third = 0;
    for (std::size_t at = 0; at < lane; at += sizeof(std::uint64_t)) {
      crc = step(crc, word_at(data, at));
      second = step(second, word_at(data, lane + at));
      third = step(third, word_at(data, 2 * lane + at));
    }
    const std::uint64_t moved =
        carryless_product(crc, kOverTwo) ^ carryless_product(second, kOverOne);
    crc = step(0, moved) ^ third;
  }
  return crc;
}

}  // namespace

std::uint32_t crc32c(std::string_view data, std::uint32_t before) {
  return has_crc32c_instruction() ? crc32c_by_instruction(data, before)
                                  : crc32c_by_table(data, before);
}

std::uint32_t crc32c_by_table(std::string_view data, std::uint32_t before) {
  std::uint32_t crc = ~before;
  for (const char c : data) {
    crc = (crc >> 8U) ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFFU];
  }
  return ~crc;
}

bool has_crc32c_instruction() {
#if defined(__x86_64__)
  // What libc has found out: the compiler's own test would ask the processor again, at every start.
  return CPU_FEATURE_ACTIVE(SSE4_2);
#elif defined(__aarch64__)
  constexpr unsigned long kHwcapCrc32 = 1UL << 7U;  // HWCAP_CRC32 of <asm/hwcap.h>
  return (::getauxval(AT_HWCAP) & kHwcapCrc32) != 0;
#else
  return false;
#endif
}

THAW_CRC_TARGET std::uint32_t crc32c_by_instruction(std::string_view data, std::uint32_t before) {
  std::uint32_t crc = by_lanes<256>(by_lanes<1024>(~before, data), data);
  for (; data.size() >= sizeof(std::uint64_t); data.remove_prefix(sizeof(std::uint64_t))) {
    crc = step(crc, word_at(data, 0));
  }
  for (const char c : data) crc = step(crc, static_cast<std::uint8_t>(c));
  return ~crc;
}

}  // namespace relay
