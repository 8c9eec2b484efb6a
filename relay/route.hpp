// Which upstream a request goes to, and whether it may. Pure. The allow-list is what keeps code in
// the function from using Thaw as a way into the network (SSRF).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/dsn.hpp"
#include "relay/settings.hpp"
#include "relay/upstream.hpp"

namespace relay {

/// What a request says about where it wants to go.
struct RouteRequest {
  std::string_view public_key;
  std::uint64_t project_id = 0;
  std::string_view path_prefix;  ///< before /api/, "" or "/a/b"; its first segment may be a host
  std::optional<proto::Dsn> envelope_dsn{};  ///< from the envelope header
};

/// The upstream's DSN, and whether the operator named its host.
struct Route {
  proto::Dsn dsn;
  bool any_address = false;

  [[nodiscard]] Endpoint endpoint() const { return {dsn.tls, dsn.host, dsn.port, any_address}; }
};

/// 1. Key and project equal a configured DSN's: that DSN, whatever host the SDK wrote. 2. Else a
/// host named in the path or in the envelope's dsn, if it is allowed: hosts of configured DSNs,
/// THAW_ALLOWED_HOSTS, and only where no DSN is configured sentry.io and names below it over
/// https. 3. Else nullopt: 403. `own_port` is the port Thaw listens on: a DSN that names it names
/// no upstream. But where all is captured every request leads to Thaw itself.
[[nodiscard]] std::optional<Route> find_route(const RouteSettings& settings, std::uint16_t own_port,
                                              const RouteRequest& request);

/// A loopback name or address, as it stands in a DSN or a Host header without its port.
[[nodiscard]] bool is_loopback_name(std::string_view host);

}  // namespace relay
