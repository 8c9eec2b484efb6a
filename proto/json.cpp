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

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  return at;
}

/// Whether an array is the value of the key whose string ends at `at`; if so, the offset behind its
/// bracket, else npos.
std::size_t array_behind_key(std::string_view text, std::size_t at) {
  at = skip_blanks(text, at);
  if (at >= text.size() || text[at] != ':') return std::string_view::npos;
  at = skip_blanks(text, at + 1);
  return at < text.size() && text[at] == '[' ? at + 1 : std::string_view::npos;
}

/// How a byte outside of strings changes the depth.
int depth_step(char c) {
  if (c == '{' || c == '[') return 1;
  return c == '}' || c == ']' ? -1 : 0;
}

/// Behind the bracket of the array that the object's member `key` holds, or npos.
std::size_t find_array(std::string_view object, std::string_view key) {
  std::ptrdiff_t depth = 0;
  std::size_t at = 0;
  while (at < object.size() && depth >= 0) {
    const std::size_t begin = at;
    const char c = object[at++];
    if (c != '"') {
      depth += depth_step(c);
      continue;
    }
    at = string_end(object, at);
    if (depth != 1 || object.substr(begin + 1, at - begin - 2) != key) continue;
    const std::size_t array = array_behind_key(object, at);
    if (array != std::string_view::npos) return array;
  }
  return std::string_view::npos;
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
  std::size_t at = skip_blanks(text, 0);
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

std::size_t json_array_size(std::string_view object, std::string_view key) {
  std::size_t at = find_array(object, key);
  if (at == std::string_view::npos) return 0;
  at = skip_blanks(object, at);
  if (at < object.size() && object[at] == ']') return 0;
  std::size_t elements = 1;
  std::ptrdiff_t depth = 1;
  while (at < object.size() && depth > 0) {
    const char c = object[at++];
    if (c == '"') at = string_end(object, at);
    if (c == ',' && depth == 1) ++elements;
    depth += depth_step(c);
  }
  return elements;
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
