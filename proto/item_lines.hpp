// An item as a person wants to see it at a glance: one line, or one for each entry of a container
// (Sentry develop docs, "Envelope Items" and the page of each; checked 2026-11).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace proto {

/// A container's further entries are only counted.
inline constexpr std::size_t kMaxItemLines = 50;
/// The rest of a text is left out.
inline constexpr std::size_t kMaxItemLineBytes = 300;

struct ItemLine {
  std::string level;  ///< "error", "info"; "" where the item has none
  std::string what;   ///< "ValueError: no such thing", "GET /orders (http.server, 12 ms)"
};

/// At least one. Foreign text as it came: for people to see, it has to be made printable() or
/// escaped. What cannot be read, or is of unknown type, is told by its size.
[[nodiscard]] std::vector<ItemLine> item_lines(std::string_view type, std::string_view header,
                                               std::string_view payload);

}  // namespace proto
