#include "proto/json_text.hpp"

#include <algorithm>
#include <cstddef>

#include <simdjson.h>

namespace proto {
namespace {

// Of the string at the front of `json`, quotes included.
std::size_t string_size(std::string_view json) {
  for (std::size_t i = 1; i < json.size(); ++i) {
    if (json[i] == '"') return i + 1;
    if (json[i] == '\\') ++i;
  }
  return json.size();
}

// Foreign JSON may be nested deeply and hold much at the bottom: the blanks would be a thousand
// times the rest. Nobody reads that deep.
constexpr std::size_t kMostBlanks = 40;

class Indenter {
 public:
  /// A string whole, or any other character.
  void take(std::string_view token) {
    const char c = token.front();
    const bool closes = c == '}' || c == ']';
    if (closes) --depth_;
    if (opened_ != closes) new_line();
    text_ += token;
    opened_ = c == '{' || c == '[';
    if (opened_) ++depth_;
    if (c == ',') new_line();
    if (c == ':') text_ += ' ';
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void new_line() { text_.append("\n").append(std::min(2 * depth_, kMostBlanks), ' '); }

  std::string text_;
  std::size_t depth_ = 0;
  bool opened_ = false;
};

}  // namespace

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
  Indenter indenter;
  while (!json.empty()) {
    const auto token = json.substr(0, json.front() == '"' ? string_size(json) : 1);
    indenter.take(token);
    json.remove_prefix(token.size());
  }
  return indenter.text();
}

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text); }

}  // namespace proto
