#include "proto/auth.hpp"

#include <algorithm>
#include <optional>
#include <system_error>

#include "proto/ascii.hpp"
#include "proto/dsn.hpp"
#include "proto/errc.hpp"
#include "proto/number.hpp"
#include "proto/url_text.hpp"

namespace proto {
namespace {

constexpr int kNewestVersion = 7;

/// Cuts off and returns what stands before the first `separator`; all of it if there is none.
std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

bool is_control(char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }

/// "7" and "7.0" are 7. False for what is no number.
bool read_version(std::string_view text, int& version) {
  const auto number = parse_number<std::uint16_t>(text.substr(0, text.find('.')));
  if (number) version = *number;
  return number.has_value();
}

/// Takes one pair in; unknown names are no one's business. False for an unreadable version.
bool take_pair(std::string_view name, std::string_view value, Auth& auth) {
  if (name == "sentry_key") auth.public_key = value;
  if (name == "sentry_client") auth.client = value;
  return name != "sentry_version" || read_version(value, auth.version);
}

Result<Auth> with_key(Auth auth) {
  if (auth.public_key.empty()) return Errc::auth_invalid;
  return auth;
}

/// "Sentry k=v, k=v"
Result<Auth> parse_sentry_header(std::string_view header) {
  std::string_view rest = trimmed(header);
  if (!equal_ignoring_case(take_until(rest, ' '), "sentry")) return Errc::auth_invalid;
  Auth auth;
  while (!rest.empty()) {
    std::string_view value = trimmed(take_until(rest, ','));
    const std::string_view name = take_until(value, '=');
    if (!take_pair(name, value, auth)) return Errc::auth_invalid;
  }
  return with_key(std::move(auth));
}

Result<Auth> parse_basic(std::string_view credentials) {
  const auto text = decode_base64(trimmed(credentials));
  if (!text) return Errc::auth_invalid;
  Auth auth;
  auth.public_key = text->substr(0, text->find(':'));
  return with_key(std::move(auth));
}

Result<Auth> parse_query(std::string_view query) {
  Auth auth;
  while (!query.empty()) {
    std::string_view value = take_until(query, '&');
    const std::string name = decode_query_text(take_until(value, '='));
    if (!take_pair(name, decode_query_text(value), auth)) return Errc::auth_invalid;
  }
  return with_key(std::move(auth));
}

Result<Auth> path_auth(std::string_view key) {
  Auth auth;
  auth.public_key = key;
  return auth;
}

enum class Scheme : std::uint8_t { other, sentry, basic };

Scheme scheme_of(std::string_view authorization) {
  std::string_view rest = trimmed(authorization);
  const std::string_view word = take_until(rest, ' ');
  if (equal_ignoring_case(word, "sentry")) return Scheme::sentry;
  return equal_ignoring_case(word, "basic") ? Scheme::basic : Scheme::other;
}

Result<Auth> parse_authorization(std::string_view header) {
  if (scheme_of(header) == Scheme::sentry) return parse_sentry_header(header);
  std::string_view rest = trimmed(header);
  take_until(rest, ' ');
  return parse_basic(rest);
}

/// Cuts the key's flags off and looks at what is left.
Result<Auth> checked(Auth auth) {
  if (auth.version > kNewestVersion) return Errc::auth_version;
  auth.public_key.resize(std::min(auth.public_key.find('.'), auth.public_key.size()));
  if (!is_public_key(auth.public_key)) return Errc::auth_key;
  // Percent-decoded it may hold what no header can, and a header is what it becomes.
  std::erase_if(auth.client, is_control);
  return auth;
}

bool is_auth_parameter(std::string_view name) {
  return name == "sentry_key" || name == "sentry_version" || name == "sentry_client" ||
         name == "sentry_secret" || name == "sentry_timestamp";
}

}  // namespace

Result<Auth> find_auth(const AuthPlaces& places) {
  // In Relay's order, so that of two faults the same one is named.
  Result<Auth> found = Errc::auth_missing;
  const auto take = [&](Result<Auth> next) {
    const bool second = found.has_value();
    found = std::move(next);
    if (second) found = Errc::auth_multiple;
    return found.has_value();
  };
  if (!places.x_sentry_auth.empty() && !take(parse_sentry_header(places.x_sentry_auth))) {
    return found;
  }
  if (scheme_of(places.authorization) != Scheme::other &&
      !take(parse_authorization(places.authorization))) {
    return found;
  }
  if (query_holds_auth(places.query) && !take(parse_query(places.query))) return found;
  if (!places.path_key.empty() && !take(path_auth(places.path_key))) return found;
  if (!found) return found;
  return checked(std::move(*found));
}

std::string to_header(const Auth& auth) {
  std::string header =
      "Sentry sentry_key=" + auth.public_key + ", sentry_version=" + std::to_string(auth.version);
  std::string client = auth.client;
  std::erase_if(client, [](char c) { return c < ' ' || c > '~' || c == ','; });
  if (!client.empty()) header += ", sentry_client=" + client;
  return header;
}

bool query_holds_auth(std::string_view query) {
  return query.find("sentry_") != std::string_view::npos;
}

std::string to_query(const Auth& auth) {
  std::string query = "sentry_key=" + encode_query_text(auth.public_key) +
                      "&sentry_version=" + std::to_string(auth.version);
  if (!auth.client.empty()) query += "&sentry_client=" + encode_query_text(auth.client);
  return query;
}

std::string strip_auth(std::string_view query) {
  std::string rest;
  bool first = true;
  for (bool more = true; more;) {
    more = query.find('&') != std::string_view::npos;
    const std::string_view pair = take_until(query, '&');
    if (is_auth_parameter(decode_query_text(pair.substr(0, pair.find('='))))) continue;
    if (!first) rest += '&';
    rest += pair;
    first = false;
  }
  return rest;
}

}  // namespace proto
