// Which key a request speaks for. A client may say it in a header, in the query, in the path or
// only in the envelope; two HTTP-level places at once are refused, as Relay refuses them
// (getsentry/relay: relay-server/src/extractors/request_meta.rs; checked 2026-11).
#pragma once

#include <string>
#include <string_view>

#include "proto/result.hpp"

namespace proto {

struct Auth {
  std::string public_key;  ///< 32 ASCII bytes; flags behind a dot ("KEY.no-cache") are cut off
  std::string client;      ///< sentry_client, "name/version"; may be empty
  int version = 7;
};

/// The raw values of the four HTTP-level places; an absent one is empty.
struct AuthPlaces {
  std::string_view x_sentry_auth{};
  std::string_view authorization{};
  std::string_view query{};     ///< behind the '?', not decoded
  std::string_view path_key{};  ///< the segment that holds a key, where the endpoint has one
};

/// Relay's order: X-Sentry-Auth, Authorization: Sentry, Authorization: Basic, any query holding
/// "sentry_", the path. Errors: auth_missing when no place holds one (the envelope's dsn may still
/// do), auth_multiple, auth_invalid, auth_key, auth_version.
[[nodiscard]] Result<Auth> find_auth(const AuthPlaces& places);

/// "Sentry sentry_key=…, sentry_version=7[, sentry_client=…]": the one auth that goes upstream. A
/// client with a character outside printable ASCII or with a comma loses that character.
[[nodiscard]] std::string to_header(const Auth& auth);

/// Whether Relay takes the query for an auth, whatever the parameter is.
[[nodiscard]] bool query_holds_auth(std::string_view query);

/// "sentry_key=…&sentry_version=7[&sentry_client=…]": the same where the query has to carry it.
[[nodiscard]] std::string to_query(const Auth& auth);

/// `query` without its sentry_* auth parameters (key, version, client, secret, timestamp), rest as
/// it was.
[[nodiscard]] std::string strip_auth(std::string_view query);

}  // namespace proto
