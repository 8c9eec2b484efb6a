// What was captured, as JSON: one line for each item, the list at /captured, and one envelope
// unfolded at /captured/ID.
#pragma once

#include <string>
#include <string_view>

#include "relay/capture.hpp"
#include "relay/http_text.hpp"

namespace relay {

/// An item whole, on one line, without its line end: id, time, project, type, category, level,
/// what, header, payload. A payload that is no JSON is a string, one that is no text a number of
/// `bytes`.
[[nodiscard]] std::string captured_item_json(const Captured& captured, const CapturedItem& item);

/// The newest first, without headers and payloads; of those whose items `type` names, all of them
/// if it is "".
[[nodiscard]] std::string captured_list_json(const Capture& capture, std::string_view type);

/// Header, items and payloads, indented.
[[nodiscard]] std::string captured_json(const Captured& captured);

/// To a GET of /captured or below. `query`: "type=error".
[[nodiscard]] Answer captured_answer(const Capture& capture, std::string_view path,
                                     std::string_view query);

}  // namespace relay
