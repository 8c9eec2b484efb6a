// What Relay keeps of an event's texts; the rest it would cut or throw away, with an error in the
// event for people to wonder at (getsentry/relay relay-event-schema/src/protocol, max_chars; for
// releases and environments getsentry/sentry-release-parser; checked 2026-11). Counted in bytes,
// which is stricter than in characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace proto {

/// A transaction's or server's name, an exception's type, a tag's value.
inline constexpr std::size_t kMaxNameBytes = 200;
inline constexpr std::size_t kMaxReleaseBytes = 200;
inline constexpr std::size_t kMaxEnvironmentBytes = 64;

/// The beginning of `text`, without half a character (UTF-8) at its end. Lives as long as `text`.
[[nodiscard]] std::string_view clipped(std::string_view text, std::size_t most_bytes);

/// As a tag's value: clipped, with blanks in the place of line ends, which no tag may have.
[[nodiscard]] std::string tag_text(std::string_view text);

/// `text`, or "" if it is no release: too long, ".", "..", "latest" in any case, or with a slash, a
/// backslash or a control character in it. "$LATEST" is one.
[[nodiscard]] std::string_view valid_release(std::string_view text);

/// The same for an environment, of which "none" is none.
[[nodiscard]] std::string_view valid_environment(std::string_view text);

}  // namespace proto
