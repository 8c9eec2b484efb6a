// From an endpoint to a connection that may carry a request: name, address rules, connect, the
// proxy's tunnel where there is a proxy, handshake.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "proto/proxy.hpp"
#include "proto/result.hpp"
#include "relay/clock.hpp"
#include "relay/connection.hpp"
#include "relay/dial_watch.hpp"
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
    proto::ProxyRules proxies;
    DialWatch* watch = nullptr;  ///< outlives the dialer
  };

  /// What is passed in outlives the dialer.
  Dialer(asio::any_io_executor executor, Clock& clock, Log& log, UpstreamStats& stats,
         Settings settings);

  /// A connection ready for a request. The addresses are tried in order, but first the one that was
  /// reached when another before it could not be; each gets an equal share of the time until
  /// `deadline`, which the caller must keep, and no less than 400 ms: of many only the first are
  /// tried, and name servers change the order. The connection goes to an address that was checked.
  /// Through a proxy the addresses are the proxy's: to which one of its own the upstream's name
  /// leads is the proxy's business. Errors: network errors, those of Resolver::resolve and
  /// TlsStream::handshake, Errc::address_forbidden, Errc::no_trust, Errc::proxy_*.
  [[nodiscard]] asio::awaitable<proto::Result<std::unique_ptr<Connection>>> dial(
      Endpoint endpoint, SteadyTime deadline);

  /// Whom a connection to `endpoint` leads to in truth; nullptr: to itself.
  [[nodiscard]] const proto::Proxy* proxy_of(const Endpoint& endpoint) const;
  /// What a proxy's answer to our own request for `endpoint` is as an error, said once.
  [[nodiscard]] boost::system::error_code refused(const proto::Proxy& proxy,
                                                  const Endpoint& endpoint, unsigned status);

  /// Drops names, TLS sessions and what is known of addresses.
  void forget();

  /// Names alone.
  void forget_names() { resolver_.forget(); }

 private:
  using Addresses = Resolver::Addresses;

  using Dialled = proto::Result<std::unique_ptr<Connection>>;

  asio::awaitable<Dialled> reach(const proto::Proxy* proxy, Endpoint endpoint, Addresses addresses,
                                 SteadyTime deadline);
  boost::system::error_code unreachable(const proto::Proxy& proxy, boost::system::error_code why);
  asio::awaitable<proto::Result<Addresses>> addresses_of(const proto::Proxy* proxy,
                                                         Endpoint endpoint);
  asio::awaitable<Dialled> connect(std::string host, Addresses addresses, std::uint16_t port,
                                   SteadyTime deadline);
  void put_first(const std::string& host, Addresses& addresses) const;
  asio::awaitable<proto::Result<void>> secure(Connection& connection, ssl_ctx_st* context,
                                              Endpoint endpoint);

  asio::any_io_executor executor_;
  Clock& clock_;
  Log& log_;
  UpstreamStats& stats_;
  proto::ProxyRules proxies_;
  Resolver resolver_;
  Trust trust_;
  TlsSessions sessions_;
  /// By name, of those that have a dead one. There are no more names than upstreams and proxies.
  std::map<std::string, asio::ip::address> reached_;
  DialWatch* watch_;
};

}  // namespace relay
