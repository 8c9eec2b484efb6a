// Text that is a number and nothing else.
#pragma once

#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

namespace proto {

/// The whole of `text` as a decimal number. nullopt for anything else: empty text, blanks, a plus
/// sign, a sign where Number has none, more than Number holds.
template <class Number>
[[nodiscard]] std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const char* const end = std::to_address(text.end());
  const auto [stop, error] = std::from_chars(std::to_address(text.begin()), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// The same as a TCP port: 1 to 65535.
[[nodiscard]] inline std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  return port == 0 ? std::nullopt : port;
}

}  // namespace proto
