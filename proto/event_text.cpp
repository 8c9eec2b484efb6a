#include "proto/event_text.hpp"

#include <algorithm>

#include "proto/ascii.hpp"

namespace proto {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

bool is_forbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c == '/' || c == '\\' || byte < 0x20 || byte == 0x7F;
}

bool is_plain(std::string_view text, std::size_t most_bytes) {
  return text.size() <= most_bytes && std::ranges::none_of(text, is_forbidden) && text != "." &&
         text != "..";
}

}  // namespace

std::string_view clipped(std::string_view text, std::size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  while (most_bytes > 0 && is_continuation(text[most_bytes])) --most_bytes;
  return text.substr(0, most_bytes);
}

std::string tag_text(std::string_view text) {
  std::string value{clipped(text, kMaxNameBytes)};
  std::ranges::replace_if(value, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return value;
}

std::string_view valid_release(std::string_view text) {
  return is_plain(text, kMaxReleaseBytes) && !equal_ignoring_case(text, "latest") ? text : "";
}

std::string_view valid_environment(std::string_view text) {
  return is_plain(text, kMaxEnvironmentBytes) && !equal_ignoring_case(text, "none") ? text : "";
}

}  // namespace proto
