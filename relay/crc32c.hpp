// CRC32C (Castagnoli), the checksum of the journal's records: it tells a torn or flipped record
// from a whole one. By the processor's own instruction where there is one, else by a table. Pure.
// (RFC 3720, 12.1 and B.4)
#pragma once

#include <cstdint>
#include <string_view>

namespace relay {

/// The checksum of `data` that follows bytes whose checksum is `before`; 0: it follows nothing.
[[nodiscard]] std::uint32_t crc32c(std::string_view data, std::uint32_t before = 0);

/// The two ways, so that a test can hold them against each other.
[[nodiscard]] std::uint32_t crc32c_by_table(std::string_view data, std::uint32_t before = 0);
/// Whether this processor has the instruction: SSE 4.2 on x86-64, the CRC extension on arm64.
[[nodiscard]] bool has_crc32c_instruction();
/// Only where has_crc32c_instruction().
[[nodiscard]] std::uint32_t crc32c_by_instruction(std::string_view data, std::uint32_t before = 0);

}  // namespace relay
