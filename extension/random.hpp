// Random bits from the kernel, drawn when they are used: a SnapStart snapshot clones every
// generator that was seeded before it (AWS docs, "Handling uniqueness with Lambda SnapStart";
// checked 2026-11).
#pragma once

#include <cstdint>
#include <string>

namespace extension {

/// 64 bits of getrandom(2).
[[nodiscard]] std::uint64_t random_bits();

/// 128 bits of getrandom(2) as 32 hexadecimal digits.
[[nodiscard]] std::string random_name();

}  // namespace extension
