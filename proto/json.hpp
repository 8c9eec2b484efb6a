// The little JSON we read ourselves. Headers are one JSON object at the front of a longer buffer,
// so the end of the object has to be found before a parser may look at it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace proto {

/// Where the JSON value at the front of `text` (leading JSON whitespace allowed) ends: the offset
/// behind its last byte, or npos if it is not an object or does not end. Only balances braces,
/// brackets and strings; whether it is valid JSON is the parser's business.
[[nodiscard]] std::size_t json_object_end(std::string_view text);

/// `text` as a JSON string, quotes included.
[[nodiscard]] std::string json_quote(std::string_view text);

}  // namespace proto
