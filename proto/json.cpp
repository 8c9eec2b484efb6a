#include "proto/json.hpp"

#include <simdjson.h>

namespace proto {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

/// Behind the closing quote of the string whose first byte is at `at`; beyond the text if it is not
/// closed.
std::size_t string_end(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2U : 1U;
  return at + 1;
}

/// A short escape's letter, or 0.
char escape_letter(char c) {
  switch (c) {
    case '"':
      return '"';
    case '\\':
      return '\\';
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 0;
  }
}

void append_quoted(std::string& out, char c, bool is_utf8) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (const char letter = escape_letter(c)) {
    out += '\\';
    out += letter;
  } else if (byte < 0x20) {
    out += "\\u00";
    out += kHex[byte >> 4U];
    out += kHex[byte & 15U];
  } else if (byte >= 0x80 && !is_utf8) {
    out += "\\ufffd";
  } else {
    out += c;
  }
}

}  // namespace

std::size_t json_object_end(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && is_blank(text[at])) ++at;
  if (at == text.size() || text[at] != '{') return std::string_view::npos;
  std::size_t depth = 0;
  while (at < text.size()) {
    const char c = text[at++];
    if (c == '"') {
      at = string_end(text, at);
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (--depth == 0) return at;
    }
  }
  return std::string_view::npos;
}

std::string json_quote(std::string_view text) {
  // A byte that is not UTF-8 would spoil the whole document, so such a text keeps only its ASCII.
  const bool is_utf8 = simdjson::validate_utf8(text);
  std::string out;
  out.reserve(text.size() + 2);
  out += '"';
  for (const char c : text) append_quoted(out, c, is_utf8);
  out += '"';
  return out;
}

}  // namespace proto
