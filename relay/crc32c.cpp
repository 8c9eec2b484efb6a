#include "relay/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
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
  return __builtin_cpu_supports("sse4.2") != 0;
#elif defined(__aarch64__)
  constexpr unsigned long kHwcapCrc32 = 1UL << 7U;  // HWCAP_CRC32 of <asm/hwcap.h>
  return (::getauxval(AT_HWCAP) & kHwcapCrc32) != 0;
#else
  return false;
#endif
}

THAW_CRC_TARGET std::uint32_t crc32c_by_instruction(std::string_view data, std::uint32_t before) {
  std::uint32_t crc = ~before;
  while (data.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, data.data(), sizeof word);
    crc = step(crc, word);
    data.remove_prefix(sizeof word);
  }
  for (const char c : data) crc = step(crc, static_cast<std::uint8_t>(c));
  return ~crc;
}

}  // namespace relay
