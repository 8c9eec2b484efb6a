// One request and its answer on one connection.
#pragma once

#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "proto/proxy.hpp"
#include "proto/result.hpp"
#include "relay/clock.hpp"
#include "relay/connection.hpp"
#include "relay/upstream.hpp"

namespace relay {

/// What a finished exchange leaves.
struct Exchanged {
  UpstreamAnswer answer;
  bool keeps_connection = false;
};

/// The bytes before the body; empty if one of the request's fields would break out of its line.
/// `proxy`: to which it is sent, the target in absolute form (RFC 9112, 3.2.2); nullptr: none.
[[nodiscard]] std::string request_head(const UpstreamRequest& request,
                                       const proto::Proxy* proxy = nullptr);

/// Writes `head` and `body`, and reads at the same time, so that an early answer is heard; what was
/// not written by then never is. The references and `body` outlive the call. Errors: network
/// errors, Errc::answer_malformed and Errc::answer_incomplete; after one, or cancelled, the
/// connection can only be closed.
[[nodiscard]] asio::awaitable<proto::Result<Exchanged>> exchange(Connection& connection,
                                                                 std::string head,
                                                                 std::string_view body,
                                                                 SendProgress& progress,
                                                                 Clock& clock);

}  // namespace relay
