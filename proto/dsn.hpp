// DSN: where an envelope belongs. Grammar:
// {scheme}://{key}[:{secret}]@{host}[:{port}][{/prefix}]/{project} (Sentry develop docs, "SDK
// Overview", Parsing the DSN; key and project as strict as getsentry/relay: relay-base-schema;
// checked 2026-11).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace proto {

struct Dsn {
  bool tls = true;
  std::string public_key;  ///< exactly 32 ASCII bytes
  std::string host;  ///< lower case, one trailing dot dropped; an IPv6 literal without brackets
  std::uint16_t port = 443;
  std::string path_prefix;  ///< "" or "/a/b", never a trailing slash
  std::uint64_t project_id = 0;

  bool operator==(const Dsn&) const = default;

  /// "{prefix}/api/{project}/envelope/"
  [[nodiscard]] std::string envelope_path() const;
};

/// Accepts and forgets a secret. Errors: Errc::dsn_*.
[[nodiscard]] Result<Dsn> parse_dsn(std::string_view text);

/// The shortest text that parses to the same value: no default port, no secret.
[[nodiscard]] std::string to_string(const Dsn& dsn);

/// The same with the key cut to its first 4 characters and "…": for logs and people.
[[nodiscard]] std::string to_public_string(const Dsn& dsn);

/// 32 ASCII bytes [0-9A-Za-z_-], as Relay wants a key.
[[nodiscard]] bool is_public_key(std::string_view text);

/// Whether a DSN can hold it as its prefix: visible ASCII, and none of '?', '#' and '\\'.
[[nodiscard]] bool is_path_prefix(std::string_view text);

/// Lower case, one trailing dot dropped, brackets of an IPv6 literal dropped. Empty if `host` holds
/// a control character, blank, '@', '/', '\\', '%' or '#'.
[[nodiscard]] std::string normalize_host(std::string_view host);

}  // namespace proto
