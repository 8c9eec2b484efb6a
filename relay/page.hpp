// The page at `/`: the snapshot for a person. One HTML document that needs nothing else: all
// figures are in it, and a script, where one may run, asks for it again.
#pragma once

#include <string>
#include <string_view>

#include "relay/snapshot.hpp"

namespace relay {

inline constexpr std::string_view kHtmlType = "text/html; charset=utf-8";

/// HTML, well-formed as XML. A figure that /stats has, too, is a <data> with its path there in
/// `data-stat`. `captured`: a section of its own, "" where nothing is captured.
[[nodiscard]] std::string to_page(const Snapshot& snapshot, std::string_view captured = {});

/// The header lines that go with it: nothing runs, is loaded or is asked for but what is in it.
[[nodiscard]] std::string page_headers();

}  // namespace relay
