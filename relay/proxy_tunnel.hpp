// A way through an HTTP proxy to an endpoint behind it.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "proto/proxy.hpp"
#include "proto/result.hpp"
#include "relay/connection.hpp"
#include "relay/upstream.hpp"

namespace relay {

/// Sends CONNECT on a fresh connection to `proxy` and reads the answer's header (RFC 9110, 9.3.6);
/// returns its status. After 2xx the next byte either way is the endpoint's; after anything else
/// the connection can only be closed. Has no limit of time of its own. The references outlive the
/// call. Errors: Errc::proxy_failed, also where the proxy speaks on behind its 2xx;
/// asio::error::operation_aborted.
[[nodiscard]] asio::awaitable<proto::Result<unsigned>> open_tunnel(Connection& connection,
                                                                   const Endpoint& endpoint,
                                                                   const proto::Proxy& proxy);

}  // namespace relay
