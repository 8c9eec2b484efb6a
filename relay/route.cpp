#include "relay/route.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

#include "proto/ascii.hpp"
#include "proto/number.hpp"

namespace relay {
namespace {

constexpr std::uint16_t kHttps = 443;

/// A host as a request names it; the scheme and port may be left open.
struct NamedHost {
  std::string host;
  std::optional<bool> tls;
  std::optional<std::uint16_t> port;
  std::string path_prefix;  ///< the upstream's own
};

/// Not an address: a host that ends in a number is one, in decimal, octal or hexadecimal, of one to
/// four parts (WHATWG URL, "ends in a number").
bool is_name(std::string_view host) {
  const std::string_view last = host.substr(host.rfind('.') + 1);
  const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto is_allowed = [&](char c) {
    return is_letter(c) || proto::is_digit(c) || c == '-' || c == '.' || c == '_';
  };
  return std::ranges::any_of(last, is_letter) && !last.starts_with("0x") &&
         std::ranges::all_of(host, is_allowed);
}

/// Whole labels below `suffix`, never `suffix` itself.
bool is_below(std::string_view host, std::string_view suffix) {
  return is_name(host) && host.size() > suffix.size() + 1 && host.ends_with(suffix) &&
         host[host.size() - suffix.size() - 1] == '.' && host.front() != '.' &&
         host.find("..") == std::string_view::npos;
}

std::optional<NamedHost> host_of_path(std::string_view prefix) {
  if (!prefix.starts_with('/')) return std::nullopt;
  prefix.remove_prefix(1);
  const auto slash = prefix.find('/');
  std::string_view segment = prefix.substr(0, slash);
  NamedHost named;
  if (slash != std::string_view::npos) named.path_prefix = prefix.substr(slash);
  if (const auto colon = segment.rfind(':');
      colon != std::string_view::npos && !segment.ends_with(']')) {
    named.port = proto::parse_port(segment.substr(colon + 1));
    if (!named.port) return std::nullopt;
    segment = segment.substr(0, colon);
  }
  named.host = proto::normalize_host(segment);
  if (named.host.empty() || !proto::is_path_prefix(named.path_prefix)) return std::nullopt;
  return named;
}

bool agrees(const NamedHost& named, bool tls, std::uint16_t port) {
  return named.tls.value_or(tls) == tls && named.port.value_or(port) == port;
}

bool matches(const HostRule& rule, const NamedHost& named) {
  const bool host = rule.suffix ? is_below(named.host, rule.host) : named.host == rule.host;
  return host && agrees(named, rule.tls, rule.port);
}

struct Permission {
  bool tls;
  std::uint16_t port;
  bool any_address;
};

std::optional<Permission> permission(const RouteSettings& settings, const NamedHost& named) {
  for (const auto& dsn : settings.configured) {
    if (named.host == dsn.host && agrees(named, dsn.tls, dsn.port))
      return Permission{dsn.tls, dsn.port, true};
  }
  // Who is named exactly may resolve to anything, even where a suffix takes it in as well.
  for (const bool suffix : {false, true}) {
    for (const auto& rule : settings.allowed_hosts) {
      if (rule.suffix == suffix && matches(rule, named)) {
        return Permission{rule.tls, rule.port, !suffix};
      }
    }
  }
  const bool sentry = named.host == "sentry.io" || is_below(named.host, "sentry.io");
  if (settings.configured.empty() && sentry && agrees(named, true, kHttps)) {
    return Permission{true, kHttps, false};
  }
  return std::nullopt;
}

std::optional<Route> permitted(const RouteSettings& settings, std::uint16_t own_port,
                               const NamedHost& named, const RouteRequest& request) {
  const auto allowed = permission(settings, named);
  if (!allowed || (is_loopback_name(named.host) && allowed->port == own_port)) return std::nullopt;
  proto::Dsn dsn;
  dsn.tls = allowed->tls;
  dsn.public_key = request.public_key;
  dsn.host = named.host;
  dsn.port = allowed->port;
  dsn.path_prefix = named.path_prefix;
  dsn.project_id = request.project_id;
  return Route{std::move(dsn), allowed->any_address};
}

/// The DSN that an SDK is given where its envelopes are captured.
Route to_thaw(std::uint16_t own_port, const RouteRequest& request) {
  proto::Dsn dsn;
  dsn.tls = false;
  dsn.public_key = request.public_key;
  dsn.host = "localhost";
  dsn.port = own_port;
  dsn.project_id = request.project_id;
  return {std::move(dsn), true};
}

}  // namespace

bool is_loopback_name(std::string_view host) {
  const std::string name = proto::normalize_host(host);
  if (name == "localhost" || name.ends_with(".localhost")) return true;
  // Short forms, which a resolver reads and make_address() does not: 127.1.
  const auto is_numeric = [](char c) { return proto::is_digit(c) || c == '.'; };
  if (name.starts_with("127.")) return std::ranges::all_of(name, is_numeric);
  boost::system::error_code no_address;
  const auto address = boost::asio::ip::make_address_v6(name, no_address);
  if (no_address) return false;
  return address.is_loopback() ||
         (address.is_v4_mapped() &&
          make_address_v4(boost::asio::ip::v4_mapped, address).is_loopback());
}

std::optional<Route> find_route(const RouteSettings& settings, std::uint16_t own_port,
                                const RouteRequest& request) {
  if (settings.capture) return to_thaw(own_port, request);
  for (const auto& dsn : settings.configured) {
    if (dsn.public_key == request.public_key && dsn.project_id == request.project_id) {
      return Route{dsn, true};
    }
  }
  if (const auto named = host_of_path(request.path_prefix)) {
    if (auto route = permitted(settings, own_port, *named, request)) return route;
  }
  if (!request.envelope_dsn) return std::nullopt;
  const auto& dsn = *request.envelope_dsn;
  return permitted(settings, own_port, {dsn.host, dsn.tls, dsn.port, dsn.path_prefix}, request);
}

}  // namespace relay
