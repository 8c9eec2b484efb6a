// What was captured, as a section of the page at /.
#pragma once

#include <cstddef>
#include <string>

#include "relay/capture.hpp"

namespace relay {

/// The page shows so many, the newest first; /captured lists the others.
inline constexpr std::size_t kCapturedOnPage = 50;

/// HTML: a <section> with a table, one row an item, and what each holds behind <details>. Foreign
/// text is text in it. Without scripts and styles of its own.
[[nodiscard]] std::string captured_section(const Capture& capture);

}  // namespace relay
