// The road to Sentry: one request, one answer. Whoever sends decides what the answer means.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "proto/result.hpp"
#include "relay/clock.hpp"
#include "relay/upstream_stats.hpp"

namespace relay {

/// One host that connections are pooled for.
struct Endpoint {
  bool tls = true;
  std::string host;  ///< as proto::Dsn has it: lower case, an IPv6 literal without brackets
  std::uint16_t port = 443;
  /// The operator named this host, so it may resolve to anything. Else every address must be
  /// public.
  bool any_address = false;

  auto operator<=>(const Endpoint&) const = default;
};

struct UpstreamRequest {
  Endpoint endpoint;
  std::string method = "POST";
  std::string target;  ///< path and query
  /// Host, Content-Length and Connection are the upstream's own business.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;  ///< must outlive the send
  /// Not worth a connection: Errc::no_connection where none is idle.
  bool on_live_connection = false;
};

struct UpstreamAnswer {
  unsigned status = 0;
  std::string rate_limits;  ///< every X-Sentry-Rate-Limits, joined with ','
  std::string retry_after;
  bool challenge = false;  ///< it has WWW-Authenticate
};

/// How far a request has come; written by the upstream while it works, so that whoever cuts it
/// knows.
struct SendProgress {
  bool fully_written = false;  ///< the last byte of the body is with the kernel: it may be accepted
  WallTime last_byte{};        ///< wall time of the last byte written or read; epoch if none
  bool reused_connection = false;
};

class Upstream {
 public:
  virtual ~Upstream() = default;

  /// Sends and waits for the complete answer, however long: deadlines are the caller's, by
  /// cancelling. Only name lookup, connect and handshake have a limit of their own
  /// (Settings::connect). Cancelled in the middle, the connection is closed. Errors: network errors
  /// and relay::Errc.
  [[nodiscard]] virtual asio::awaitable<proto::Result<UpstreamAnswer>> send(
      const UpstreamRequest& request, SendProgress& progress) = 0;

  /// Starts a connection to `endpoint` in the background if none is idle or on its way, so that the
  /// handshake runs beside whatever the caller does next. Never fails: the next send tries again.
  virtual void warm(const Endpoint& endpoint) = 0;

  /// What it has carried so far, or since forget().
  [[nodiscard]] virtual UpstreamStats stats() const { return {}; }

  /// Closes idle connections and forgets names, TLS sessions and figures.
  virtual void forget() = 0;

  /// A freeze is over: the addresses of names may have changed meanwhile, whatever their TTL said.
  virtual void forget_names() = 0;
};

}  // namespace relay
