// Text as it stands in URLs and in Basic credentials.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace proto {

/// host:port, an IPv6 literal in brackets (RFC 3986, 3.2).
[[nodiscard]] std::string to_authority(std::string_view host, std::uint16_t port);

/// The same without the port that http, or with `tls` https, has anyway.
[[nodiscard]] std::string to_short_authority(std::string_view host, std::uint16_t port, bool tls);

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
