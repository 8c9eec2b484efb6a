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

/// How many elements the array has that the member `key` of `object` holds; 0 if it holds none. In
/// one pass and without memory, for payloads too large to parse for one number. Only balances, as
/// above: a key written with escapes is not found, and of duplicates the first array counts.
[[nodiscard]] std::size_t json_array_size(std::string_view object, std::string_view key);

/// `text` as a JSON string, quotes included.
[[nodiscard]] std::string json_quote(std::string_view text);

}  // namespace proto
