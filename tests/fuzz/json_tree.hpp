// JSON read the plain way (RFC 8259, in UTF-8), byte after byte into a tree: what our own readers,
// which are made to be fast, are held against. Shares no code with them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

struct Json {
  enum class Kind { null, boolean, number, string, array, object };

  Kind kind = Kind::null;
  std::string name;  ///< of an object's member, unescaped
  std::string text;  ///< of a string, unescaped; of a number or word, as it came
  std::string_view raw;
  std::vector<Json> members;  ///< of an object or an array

  /// The last of this name, nullptr for none.
  [[nodiscard]] const Json* member(std::string_view wanted) const;
  [[nodiscard]] std::size_t count(std::string_view wanted) const;
};

/// Takes the value at the front of `text` off it, with the blanks before it and none behind it.
/// nullopt, and `text` somewhere in the middle: there is none, or one nested deeper than `depth`.
[[nodiscard]] std::optional<Json> take_json(std::string_view& text, std::size_t depth);

/// The whole of `text` is one value, blanks around it allowed.
[[nodiscard]] std::optional<Json> read_json(std::string_view text, std::size_t depth = 1024);

}  // namespace fuzz
