// The members of one JSON object that lies inside a longer buffer: all of it checked, strings
// unescaped, and for each member where it stands, so that a value can be replaced in place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <simdjson.h>

namespace proto {

enum class JsonKind : std::uint8_t { null, boolean, number, string, object, array };

struct JsonMember {
  std::string_view key;  ///< unescaped
  JsonKind kind = JsonKind::null;
  std::string_view text;            ///< of a string, unescaped; of a number or word, as it came
  const char* key_begin = nullptr;  ///< the key's opening quote
  std::string_view raw;  ///< the value as it came, quotes included; "" for objects, arrays

  /// A non-negative integer that fits.
  [[nodiscard]] std::optional<std::uint64_t> integer() const;
};

/// Reads objects, one after the other, with one parser.
class JsonMembers {
 public:
  /// `readable` bytes from the begin of `object` on may be read: at least its size and
  /// Bytes::kPadding. False if it is anything but one object, blanks around it allowed, in valid
  /// JSON, or nested deeper than serde_json allows (127), the parser that Relay uses.
  [[nodiscard]] bool read(std::string_view object, std::size_t readable);

  /// Lets go of the memory that an unusually large object took.
  void shrink();

  /// In order, duplicates included. Texts live until the next read, and only as long as the buffer.
  [[nodiscard]] const std::vector<JsonMember>& all() const { return members_; }

 private:
  simdjson::ondemand::parser parser_;
  std::vector<JsonMember> members_;
};

}  // namespace proto
