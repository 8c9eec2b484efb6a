#include "tests/fuzz/json_tree.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace fuzz {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void skip_blanks(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// Behind the blanks.
bool take_sign(std::string_view& text, std::string_view sign) {
  skip_blanks(text);
  return take(text, sign);
}

bool take_digits(std::string_view& text) {
  if (text.empty() || !is_digit(text.front())) return false;
  while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
  return true;
}

bool take_number(std::string_view& text) {
  take(text, "-");
  if (!take(text, "0") && !take_digits(text)) return false;
  if (take(text, ".") && !take_digits(text)) return false;
  if (!take(text, "e") && !take(text, "E")) return true;
  if (!take(text, "+")) take(text, "-");
  return take_digits(text);
}

/// Four hex digits.
std::optional<std::uint32_t> take_unit(std::string_view& text) {
  std::uint32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    constexpr std::string_view kDigits = "0123456789abcdefABCDEF";
    const auto digit = text.empty() ? std::string_view::npos : kDigits.find(text.front());
    if (digit == std::string_view::npos) return std::nullopt;
    unit = unit * 16 + static_cast<std::uint32_t>(digit < 16 ? digit : digit - 6);
    text.remove_prefix(1);
  }
  return unit;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

/// Behind "\u": a character, or both halves of one.
bool take_code(std::string_view& text, std::string& out) {
  const auto first = take_unit(text);
  if (!first || (*first >= 0xDC00 && *first < 0xE000)) return false;
  std::uint32_t code = *first;
  if (code >= 0xD800 && code < 0xDC00) {
    if (!take(text, "\\u")) return false;
    const auto second = take_unit(text);
    if (!second || *second < 0xDC00 || *second >= 0xE000) return false;
    code = 0x10000 + ((code - 0xD800) << 10) + (*second - 0xDC00);
  }
  append_utf8(out, code);
  return true;
}

/// Behind the backslash.
bool take_escape(std::string_view& text, std::string& out) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
  if (text.empty()) return false;
  const char name = text.front();
  text.remove_prefix(1);
  if (name == 'u') return take_code(text, out);
  const auto at = kNames.find(name);
  if (at == std::string_view::npos) return false;
  out += kMeant[at];
  return true;
}

/// One character that stands for itself: no control, and whole in UTF-8 (RFC 3629, section 4).
bool take_character(std::string_view& text, std::string& out) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
  };
  const auto tail = [&](std::size_t i) { return byte(i) >= 0x80 && byte(i) <= 0xBF; };
  std::size_t size = 0;
  if (byte(0) >= 0x20 && byte(0) < 0x80) {
    size = 1;
  } else if (byte(0) >= 0xC2 && byte(0) <= 0xDF && tail(1)) {
    size = 2;
  } else if (byte(0) >= 0xE0 && byte(0) <= 0xEF && tail(1) && tail(2)) {
    const bool overlong = byte(0) == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = byte(0) == 0xED && byte(1) > 0x9F;
    size = overlong || surrogate ? 0 : 3;
  } else if (byte(0) >= 0xF0 && byte(0) <= 0xF4 && tail(1) && tail(2) && tail(3)) {
    const bool overlong = byte(0) == 0xF0 && byte(1) < 0x90;
    const bool too_high = byte(0) == 0xF4 && byte(1) > 0x8F;
    size = overlong || too_high ? 0 : 4;
  }
  out += text.substr(0, size);
  text.remove_prefix(size);
  return size > 0;
}

std::optional<std::string> take_string(std::string_view& text) {
  std::string out;
  if (!take(text, "\"")) return std::nullopt;
  while (!take(text, "\"")) {
    if (!(take(text, "\\") ? take_escape(text, out) : take_character(text, out))) {
      return std::nullopt;
    }
  }
  return out;
}

/// Behind the opening bracket.
bool take_members(std::string_view& text, std::size_t depth, bool named, Json& json) {
  const std::string_view end = named ? "}" : "]";
  if (take_sign(text, end)) return true;
  do {
    std::string name;
    if (named) {
      skip_blanks(text);
      auto key = take_string(text);
      if (!key || !take_sign(text, ":")) return false;
      name = std::move(*key);
    }
    auto value = take_json(text, depth);
    if (!value) return false;
    value->name = std::move(name);
    json.members.push_back(std::move(*value));
  } while (take_sign(text, ","));
  return take_sign(text, end);
}

bool take_value(std::string_view& text, std::size_t depth, Json& json) {
  using Kind = Json::Kind;
  const char first = text.empty() ? '\0' : text.front();
  if (first == '{' || first == '[') {
    json.kind = first == '{' ? Kind::object : Kind::array;
    text.remove_prefix(1);
    return depth > 0 && take_members(text, depth - 1, first == '{', json);
  }
  if (first == '"') {
    auto string = take_string(text);
    if (!string) return false;
    json.kind = Kind::string;
    json.text = std::move(*string);
    return true;
  }
  if (take(text, "null")) return true;
  json.kind = Kind::boolean;
  if (take(text, "true") || take(text, "false")) return true;
  json.kind = Kind::number;
  return take_number(text);
}

}  // namespace

const Json* Json::member(std::string_view wanted) const {
  const Json* found = nullptr;
  for (const Json& value : members) {
    if (value.name == wanted) found = &value;
  }
  return found;
}

std::size_t Json::count(std::string_view wanted) const {
  return static_cast<std::size_t>(std::ranges::count(members, wanted, &Json::name));
}

std::optional<Json> take_json(std::string_view& text, std::size_t depth) {
  skip_blanks(text);
  const std::string_view begin = text;
  Json json;
  if (!take_value(text, depth, json)) return std::nullopt;
  json.raw = begin.substr(0, begin.size() - text.size());
  if (json.kind == Json::Kind::number || json.kind == Json::Kind::boolean) json.text = json.raw;
  return json;
}

std::optional<Json> read_json(std::string_view text, std::size_t depth) {
  auto json = take_json(text, depth);
  skip_blanks(text);
  if (!text.empty()) return std::nullopt;
  return json;
}

}  // namespace fuzz
