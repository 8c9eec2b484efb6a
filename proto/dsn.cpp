#include "proto/dsn.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "proto/ascii.hpp"
#include "proto/errc.hpp"
#include "proto/number.hpp"
#include "proto/url_text.hpp"

namespace proto {
namespace {

constexpr std::size_t kKeyLength = 32;

bool is_visible_ascii(char c) { return c > ' ' && c <= '~'; }

bool all_visible(std::string_view text) { return std::ranges::all_of(text, is_visible_ascii); }

std::uint16_t default_port(bool tls) { return tls ? 443 : 80; }

/// Takes the scheme off the front of `rest`.
bool take_scheme(std::string_view& rest, Dsn& dsn) {
  const std::size_t end = rest.find("://");
  if (end == std::string_view::npos) return false;
  std::string scheme{rest.substr(0, end)};
  std::ranges::transform(scheme, scheme.begin(), lower);
  if (scheme != "http" && scheme != "https") return false;
  dsn.tls = scheme == "https";
  rest.remove_prefix(end + 3);
  return true;
}

bool take_key(std::string_view& authority, Dsn& dsn) {
  const std::size_t at = authority.find('@');
  if (at == std::string_view::npos) return false;
  const std::string_view user = authority.substr(0, at);
  authority.remove_prefix(at + 1);
  const std::string_view key = user.substr(0, user.find(':'));
  if (!is_public_key(key) || !all_visible(user)) return false;
  dsn.public_key = key;
  return true;
}

/// host[:port] -> both; the port keeps its colon. A colon inside the host needs brackets.
std::pair<std::string_view, std::string_view> split_port(std::string_view authority) {
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) return {};
  const std::size_t host_end = std::min(authority.find(':', bracket), authority.size());
  return {authority.substr(0, host_end), authority.substr(host_end)};
}

bool is_ipv6_text(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         text.find_first_not_of("0123456789abcdef:.") == std::string_view::npos;
}

bool read_host(std::string_view text, Dsn& dsn) {
  dsn.host = normalize_host(text);
  if (dsn.host.empty()) return false;
  return !text.starts_with('[') || is_ipv6_text(dsn.host);
}

bool read_port(std::string_view text, Dsn& dsn) {
  dsn.port = default_port(dsn.tls);
  if (text.empty()) return true;
  const auto port = parse_port(text.substr(1));
  if (port) dsn.port = *port;
  return port.has_value();
}

/// "/a/b/42" -> prefix "/a/b" and project 42. Slashes at the end do not count, as in Relay.
bool read_path(std::string_view path, Dsn& dsn) {
  if (!is_path_prefix(path)) return false;
  const auto without_trailing_slashes = [](std::string_view text) {
    return text.substr(0, text.find_last_not_of('/') + 1);
  };
  path = without_trailing_slashes(path);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return false;
  dsn.path_prefix = without_trailing_slashes(path.substr(0, slash));
  const auto project = parse_number<std::uint64_t>(path.substr(slash + 1));
  if (project) dsn.project_id = *project;
  return project.has_value();
}

std::string print(const Dsn& dsn, std::string_view key) {
  std::string text = dsn.tls ? "https://" : "http://";
  text += key;
  text += '@';
  text += to_short_authority(dsn.host, dsn.port, dsn.tls);
  text += dsn.path_prefix;
  text += '/';
  text += std::to_string(dsn.project_id);
  return text;
}

}  // namespace

std::string Dsn::envelope_path() const {
  return path_prefix + "/api/" + std::to_string(project_id) + "/envelope/";
}

Result<Dsn> parse_dsn(std::string_view text) {
  Dsn dsn;
  std::string_view rest = text;
  if (!take_scheme(rest, dsn)) return Errc::dsn_scheme;
  const std::size_t path_begin = std::min(rest.find_first_of("/?#\\"), rest.size());
  std::string_view authority = rest.substr(0, path_begin);
  if (!take_key(authority, dsn)) return Errc::dsn_key;
  const auto [host, port] = split_port(authority);
  if (!read_host(host, dsn)) return Errc::dsn_host;
  if (!read_port(port, dsn)) return Errc::dsn_port;
  if (!read_path(rest.substr(path_begin), dsn)) return Errc::dsn_project;
  return dsn;
}

std::string to_string(const Dsn& dsn) { return print(dsn, dsn.public_key); }

std::string to_public_string(const Dsn& dsn) {
  return print(dsn, dsn.public_key.substr(0, 4) + "…");
}

bool is_public_key(std::string_view text) {
  return text.size() == kKeyLength && std::ranges::all_of(text, [](char c) {
           return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || c == '-';
         });
}

bool is_path_prefix(std::string_view text) {
  // Blanks would end the request line the prefix is going to be part of.
  return all_visible(text) && text.find_first_of("?#\\") == std::string_view::npos;
}

std::string normalize_host(std::string_view host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.ends_with('.') || !all_visible(host)) return {};
  if (host.find_first_of("@/\\%#?[]") != std::string_view::npos) return {};
  std::string normal{host};
  std::ranges::transform(normal, normal.begin(), lower);
  return normal;
}

}  // namespace proto
