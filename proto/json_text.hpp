// Foreign JSON, written anew: on one line, or indented for people.
#pragma once

#include <string>
#include <string_view>

namespace proto {

/// Without the blanks between tokens; every other byte as it came. "" for what is no JSON.
[[nodiscard]] std::string minified_json(std::string_view json);

/// Two blanks a level, 40 at most. `json` is as minified_json() leaves it.
[[nodiscard]] std::string indented_json(std::string_view json);

[[nodiscard]] bool is_utf8(std::string_view text);

}  // namespace proto
