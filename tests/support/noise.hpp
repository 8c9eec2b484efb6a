// Text for tests of compression.
#pragma once

#include <cstdint>
#include <string>

namespace support {

/// Text that hardly compresses, the same in every run.
inline std::string noise(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& c : text) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24U);
  }
  return text;
}

}  // namespace support
