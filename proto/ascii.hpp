// Case, for the words of protocols: ASCII letters alone, whatever the locale.
#pragma once

#include <algorithm>
#include <string_view>

namespace proto {

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// `word` is in lower case.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, [](char a, char b) { return lower(a) == b; });
}

}  // namespace proto
