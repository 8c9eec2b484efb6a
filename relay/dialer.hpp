// From an endpoint to a connection that may carry a request: name, address rules, connect,
// handshake.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "proto/result.hpp"
#include "relay/clock.hpp"
#include "relay/connection.hpp"
#include "relay/log.hpp"
#include "relay/resolver.hpp"
#include "relay/tls_sessions.hpp"
#include "relay/trust.hpp"
#include "relay/upstream.hpp"
#include "relay/upstream_stats.hpp"

namespace relay {

class Dialer {
 public:
  struct Settings {
    Trust::Settings trust;
    Resolver::Settings resolver;
  };

  /// What is passed in outlives the dialer.
  Dialer(asio::any_io_executor executor, Clock& clock, Log& log, UpstreamStats& stats,
         Settings settings);

  /// A connection ready for a request. The addresses are tried in order; but for the last, each
  /// gets an equal share of the time until `deadline`, which the caller must keep. The connection
  /// goes to an address that was checked. Errors: network errors, those of Resolver::resolve and
  /// TlsStream::handshake, Errc::address_forbidden, Errc::no_trust.
  [[nodiscard]] asio::awaitable<proto::Result<std::unique_ptr<Connection>>> dial(
      Endpoint endpoint, SteadyTime deadline);

  /// Drops names and TLS sessions.
  void forget();

  /// Names alone.
  void forget_names() { resolver_.forget(); }

 private:
  using Addresses = Resolver::Addresses;

  asio::awaitable<proto::Result<Addresses>> addresses_of(Endpoint endpoint);
  asio::awaitable<proto::Result<std::unique_ptr<Connection>>> connect(Addresses addresses,
                                                                      std::uint16_t port,
                                                                      SteadyTime deadline);
  asio::awaitable<proto::Result<void>> secure(Connection& connection, ssl_ctx_st* context,
                                              Endpoint endpoint);

  asio::any_io_executor executor_;
  Clock& clock_;
  Log& log_;
  UpstreamStats& stats_;
  Resolver resolver_;
  Trust trust_;
  TlsSessions sessions_;
};

}  // namespace relay
