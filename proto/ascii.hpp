// The words of protocols: ASCII alone, whatever the locale. Written out in loops, which cost less
// than the library's calls where a text has a few bytes.
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

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[nodiscard]] constexpr bool is_one_of(char c, std::string_view any_of) {
  return std::ranges::any_of(any_of, [c](char one) { return one == c; });
}

/// Without the blanks around it.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text,
                                                 std::string_view blanks = " \t") {
  while (!text.empty() && is_one_of(text.back(), blanks)) text.remove_suffix(1);
  while (!text.empty() && is_one_of(text.front(), blanks)) text.remove_prefix(1);
  return text;
}

}  // namespace proto
