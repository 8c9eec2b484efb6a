// What the readers of foreign JSON share: a field that is absent or of another type is no error.
#pragma once

#include <string>
#include <string_view>

#include <simdjson.h>

namespace proto {

/// A string's text, "" for anything else.
[[nodiscard]] inline std::string text_of(simdjson::simdjson_result<simdjson::dom::element> field) {
  std::string_view text;
  if (field.get(text)) return {};
  return std::string{text};
}

}  // namespace proto
