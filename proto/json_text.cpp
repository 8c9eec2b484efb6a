#include "proto/json_text.hpp"

#include <cstddef>

#include <simdjson.h>

namespace proto {

std::string minified_json(std::string_view json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root)) return {};
  // It writes whole registers.
  std::string out(json.size() + simdjson::SIMDJSON_PADDING, '\0');
  std::size_t size = 0;
  if (simdjson::minify(json.data(), json.size(), out.data(), size)) return {};
  out.resize(size);
  return out;
}

std::string indented_json(std::string_view json) {
  std::string out;
  std::size_t depth = 0;
  bool in_string = false;
  char before = '\0';
  const auto new_line = [&] { out.append("\n").append(2 * depth, ' '); };
  const auto opens = [](char c) { return c == '{' || c == '['; };
  const auto closes = [](char c) { return c == '}' || c == ']'; };
  for (std::size_t i = 0; i < json.size(); before = json[i++]) {
    const char c = json[i];
    if (in_string && c == '\\' && i + 1 < json.size()) {
      out += c;
      out += json[++i];
      continue;
    }
    if (c == '"') in_string = !in_string;
    if (in_string || c == '"') {
      if (opens(before) && c == '"' && in_string) new_line();
      out += c;
      continue;
    }
    if (closes(c)) {
      --depth;
      if (!opens(before)) new_line();
    } else if (opens(before)) {
      new_line();
    }
    out += c;
    if (opens(c)) ++depth;
    if (c == ',') new_line();
    if (c == ':') out += ' ';
  }
  return out;
}

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text); }

}  // namespace proto
