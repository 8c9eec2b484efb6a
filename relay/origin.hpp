// Web pages: a browser lets any of them post to localhost, and says in `Origin` who asks. Which of
// them may, and what a page that may is told. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "relay/http_text.hpp"
#include "relay/settings.hpp"

namespace relay {

enum class OriginVerdict {
  same,     ///< no page, or one of this machine: as if there were no browser
  allowed,  ///< named by the operator: it may read the answers, too
  foreign,  ///< to be refused
};

/// `origin`: the header (RFC 6454, 7.3), "" if there is none. Loopback is judged by the name alone:
/// whatever resolves to it may be anybody's. "null" is foreign: every sandboxed frame has it.
[[nodiscard]] OriginVerdict judge_origin(const OriginSettings& settings, std::string_view origin);

/// "https://app.example.com": lower case, without the scheme's own port. nullopt for what is no
/// http or https origin: something behind the port, user-info, "*", "null".
[[nodiscard]] std::optional<std::string> normalize_origin(std::string_view text);

/// To a page that is `foreign`.
[[nodiscard]] Answer refuse_origin();

/// To an OPTIONS request of a page that is `allowed`, as Relay answers, but to this page alone
/// (getsentry/relay: relay-server/src/middlewares/cors.rs; checked 2026-11).
[[nodiscard]] Answer preflight_answer(std::string_view origin);

/// The same of any other answer: it may be read by that page.
[[nodiscard]] Answer readable_by(std::string_view origin, Answer answer);

}  // namespace relay
