// Text as it stands in URLs and in Basic credentials.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace proto {

/// %XX undone; a '%' that begins no code stays.
[[nodiscard]] std::string decode_percent_text(std::string_view text);

/// A query's name or value: the same, and '+' is a blank.
[[nodiscard]] std::string decode_query_text(std::string_view text);

/// `text` as a query's name or value: all but RFC 3986's unreserved characters as %XX.
[[nodiscard]] std::string encode_query_text(std::string_view text);

/// RFC 4648 §4, with padding.
[[nodiscard]] std::string encode_base64(std::string_view bytes);

/// RFC 4648 §4, padding optional. nullopt for anything else.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace proto
