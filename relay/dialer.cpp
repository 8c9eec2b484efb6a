#include "relay/dialer.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ssl/error.hpp>

#include "proto/url_text.hpp"
#include "relay/address_rules.hpp"
#include "relay/deadline.hpp"
#include "relay/errc.hpp"
#include "relay/proxy_tunnel.hpp"

namespace relay {
namespace {

// What a connection to the other side of the world may take. A name with many addresses leaves each
// so little of the time that none would ever answer in it.
constexpr milliseconds kShortestTry{400};

}  // namespace

Dialer::Dialer(asio::any_io_executor executor, Clock& clock, Log& log, UpstreamStats& stats,
               Settings settings)
    : executor_(executor),
      clock_(clock),
      log_(log),
      stats_(stats),
      proxies_(std::move(settings.proxies)),
      resolver_(executor, clock, std::move(settings.resolver)),
      trust_(std::move(settings.trust), log),
      watch_(settings.watch) {}

asio::awaitable<proto::Result<std::unique_ptr<Connection>>> Dialer::dial(Endpoint endpoint,
                                                                         SteadyTime deadline) {
  using asio::experimental::awaitable_operators::operator&&;
  const proto::Proxy* const proxy = proxy_of(endpoint);
  auto addresses = co_await addresses_of(proxy, endpoint);
  if (!addresses) co_return addresses.error();
  if (watch_ != nullptr) watch_->resolved(*addresses);
  if (!endpoint.tls) co_return co_await reach(proxy, endpoint, std::move(*addresses), deadline);
  // The first context costs milliseconds of computing: the network may use them.
  auto both =
      co_await (reach(proxy, endpoint, std::move(*addresses), deadline) && trust_.context());
  auto& connection = std::get<0>(both);
  const auto& context = std::get<1>(both);
  if (!connection) co_return connection.error();
  if (!context) co_return context.error();
  const auto secured = co_await secure(**connection, *context, endpoint);
  if (!secured) co_return secured.error();
  co_return std::move(connection);
}

void Dialer::forget() {
  resolver_.forget();
  sessions_.forget();
  reached_.clear();
}

const proto::Proxy* Dialer::proxy_of(const Endpoint& endpoint) const {
  return proxies_.choose(endpoint.tls, endpoint.host, endpoint.port);
}

boost::system::error_code Dialer::refused(const proto::Proxy& proxy, const Endpoint& endpoint,
                                          unsigned status) {
  const std::string who = "the proxy " + proxy.to_public_string() + " of " + proxy.variable;
  const std::string cause = who + " answered " + std::to_string(status) + " for " +
                            proto::to_authority(endpoint.host, endpoint.port);
  // 401 is how tinyproxy words it (tinyproxy/tinyproxy: src/reqs.c).
  if (status >= 500) {
    log_.once("proxy failed", LogLevel::warn, cause + "; it could not reach that host itself");
    return Errc::proxy_refused;
  }
  if (status != 407 && status != 401) {
    log_.once("proxy refused", LogLevel::warn,
              cause + "; let it allow that host, or name the host in no_proxy");
    return Errc::proxy_refused;
  }
  log_.once(
      "proxy credentials", LogLevel::warn,
      cause +
          (proxy.authorization.empty()
               ? ": it wants a user and a password; write them as http://user:password@host:port"
               : ": it does not take this user and password; check them") +
          ", what is special in them as %XX");
  return Errc::proxy_unauthorized;
}

/// To the endpoint, as far as TLS or the request may begin.
asio::awaitable<Dialer::Dialled> Dialer::reach(const proto::Proxy* proxy, Endpoint endpoint,
                                               Addresses addresses, SteadyTime deadline) {
  if (proxy == nullptr) {
    co_return co_await connect(endpoint.host, std::move(addresses), endpoint.port, deadline);
  }
  auto connection = co_await connect(proxy->host, std::move(addresses), proxy->port, deadline);
  if (!connection) co_return unreachable(*proxy, connection.error());
  if (!endpoint.tls) co_return std::move(connection);
  const auto status = co_await open_tunnel(**connection, endpoint, *proxy);
  if (!status) co_return status.error();
  if (watch_ != nullptr) watch_->asked_proxy(*status);
  if (*status / 100 != 2) co_return refused(*proxy, endpoint, *status);
  co_return std::move(connection);
}

/// What time alone may mend, as after a freeze, is not said here: it is no fault of the settings.
boost::system::error_code Dialer::unreachable(const proto::Proxy& proxy,
                                              boost::system::error_code why) {
  if (why == asio::error::operation_aborted) return why;
  if (why == asio::error::connection_refused || why == Errc::name_not_found) {
    log_.once("proxy unreachable", LogLevel::warn,
              "the proxy " + proxy.to_public_string() + " of " + proxy.variable +
                  " cannot be reached: " + why.message() +
                  "; correct the variable, or set THAW_PROXY for Thaw alone (direct: no proxy)");
  }
  return Errc::proxy_unreachable;
}

asio::awaitable<proto::Result<Dialer::Addresses>> Dialer::addresses_of(const proto::Proxy* proxy,
                                                                       Endpoint endpoint) {
  if (proxy != nullptr) {
    auto addresses = co_await resolver_.resolve(proxy->host);
    if (!addresses) co_return unreachable(*proxy, addresses.error());
    co_return addresses;
  }
  auto addresses = co_await resolver_.resolve(endpoint.host);
  // All must be public, not just the first: a name that mixes them is a trick (DNS rebinding).
  if (addresses && !endpoint.any_address &&
      !std::all_of(addresses->begin(), addresses->end(), is_public)) {
    co_return Errc::address_forbidden;
  }
  co_return addresses;
}

// A dead one in front would cost its share of the time at every connection, after every freeze.
void Dialer::put_first(const std::string& host, Addresses& addresses) const {
  const auto known = reached_.find(host);
  if (known == reached_.end()) return;
  const auto place = std::ranges::find(addresses, known->second);
  if (place != addresses.end()) std::rotate(addresses.begin(), place, place + 1);
}

asio::awaitable<Dialer::Dialled> Dialer::connect(std::string host, Addresses addresses,
                                                 std::uint16_t port, SteadyTime deadline) {
  put_first(host, addresses);
  boost::system::error_code failed = asio::error::host_not_found;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    auto connection = std::make_unique<Connection>(executor_, stats_);
    const SteadyTime now = clock_.now();
    const SteadyTime::duration equal = (deadline - now) / static_cast<int>(addresses.size() - i);
    const SteadyTime::duration share = std::max<SteadyTime::duration>(equal, kShortestTry);
    const auto connected =
        co_await with_deadline(clock_, now + share, connection->connect(addresses[i], port));
    if (connected) {
      if (watch_ != nullptr) watch_->connected(addresses[i]);
      if (i > 0) reached_[host] = addresses[i];
      co_return connection;
    }
    failed = connected.error();
  }
  if (failed == Errc::deadline_exceeded) failed = asio::error::timed_out;
  co_return failed;
}

asio::awaitable<proto::Result<void>> Dialer::secure(Connection& connection, ssl_ctx_st* context,
                                                    Endpoint endpoint) {
  const std::string host = endpoint.host;
  const auto secured = co_await connection.handshake(context, std::move(endpoint), sessions_);
  const bool rejected = !secured && secured.error() == Errc::certificate_rejected;
  if (watch_ != nullptr && (secured || rejected)) watch_->met(connection.peer(), trust_.source());
  if (rejected) {
    log_.once("certificate", LogLevel::warn,
              "the certificate of " + host + " is rejected: " + connection.verification() +
                  " (roots: " + trust_.source() +
                  "); if it is right, name its root with THAW_CA_FILE");
  } else if (!secured && secured.error().category() == asio::error::get_ssl_category()) {
    log_.once("handshake", LogLevel::warn,
              "no TLS connection to " + host + ": " + secured.error().message() +
                  "; it must speak TLS 1.2 or 1.3");
  }
  co_return secured;
}

}  // namespace relay
