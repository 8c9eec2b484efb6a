// What the page looks like, and the script that renews it. Both are named by their hash in the
// Content-Security-Policy (W3C, CSP Level 3, 2.3.1), so that nothing else runs.
#pragma once

#include <string_view>

namespace relay {

extern const std::string_view kStyle;
extern const std::string_view kScript;
/// SHA-256, base64: what page_test.cpp says they should be, when it fails.
extern const std::string_view kStyleHash;
extern const std::string_view kScriptHash;
/// A data URL.
extern const std::string_view kIcon;

}  // namespace relay
