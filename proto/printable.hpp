// Foreign text on a terminal: it must stay text. A control character in it could move the cursor,
// rename the window or answer in the person's stead (ECMA-48, 8.3: also the C1 set, U+0080 to
// U+009F, and its single bytes); one that turns the direction of writing (Unicode TR 36) could make
// it read as what it is not.
#pragma once

#include <string>
#include <string_view>

namespace proto {

/// One line for a person: blanks in the place of line ends and tabs, U+FFFD in that of whatever
/// else is not to be printed or is no UTF-8.
[[nodiscard]] std::string printable(std::string_view text);

/// The same of JSON, which stays the same JSON: \uXXXX. No byte of it may be foreign to UTF-8.
[[nodiscard]] std::string printable_json(std::string_view json);

}  // namespace proto
