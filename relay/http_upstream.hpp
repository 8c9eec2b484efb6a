// The upstream of production: HTTP/1.1 over TCP or TLS, on connections that are kept for the next
// request.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "relay/clock.hpp"
#include "relay/connection.hpp"
#include "relay/connection_pool.hpp"
#include "relay/dialer.hpp"
#include "relay/log.hpp"
#include "relay/task_group.hpp"
#include "relay/upstream.hpp"
#include "relay/upstream_stats.hpp"
#include "relay/wakeup.hpp"

namespace relay {

class HttpUpstream final : public Upstream {
 public:
  struct Settings {
    milliseconds connect{1500};  ///< for name lookup, connect and handshake together
    milliseconds reuse{5000};  ///< idle age, by wall clock, up to which a connection is used again
    std::size_t idle = 16;     ///< connections kept for another request, of all hosts together
    std::string ca_file{};     ///< THAW_CA_FILE; empty: not set
    std::string ssl_cert_file{};              ///< SSL_CERT_FILE; empty: not set
    std::vector<std::string> name_servers{};  ///< "address:port"; empty: the system's
    proto::ProxyRules proxies{};              ///< none: every upstream is reached directly
    DialWatch* watch = nullptr;               ///< of every dial; outlives the upstream
  };

  /// Opens, reads and makes nothing before the first request. What is passed in outlives the
  /// upstream.
  HttpUpstream(asio::any_io_executor executor, Clock& clock, Log& log, Settings settings);
  /// After stop() and join(), and with no send() under way.
  ~HttpUpstream() override;
  HttpUpstream(const HttpUpstream&) = delete;
  HttpUpstream& operator=(const HttpUpstream&) = delete;

  /// Never retries. Errors, beside those of Upstream: asio::error::timed_out for the connect limit,
  /// asio::error::invalid_argument for a request that would not be HTTP.
  [[nodiscard]] asio::awaitable<proto::Result<UpstreamAnswer>> send(
      const UpstreamRequest& request, SendProgress& progress) override;
  void warm(const Endpoint& endpoint) override;
  void forget() override;
  void forget_names() override;

  /// Ends what warm() began and refuses more; returns before they end.
  void stop() { warming_tasks_.stop(); }

  [[nodiscard]] asio::awaitable<void> join() { return warming_tasks_.join(); }

  [[nodiscard]] UpstreamStats stats() const override { return stats_; }

 private:
  struct Pooled {
    std::unique_ptr<Connection> connection;
    bool pooled = false;  ///< not dialled for this request
  };

  using Checkout = proto::Result<Pooled>;

  /// Connections to one endpoint that are on their way, and sends that wait for them.
  struct Warming {
    std::size_t connections = 0;
    std::size_t awaited = 0;
  };

  class Share;

  [[nodiscard]] const proto::Proxy* forward_proxy_of(const Endpoint& endpoint) const;
  asio::awaitable<Checkout> checkout(Endpoint endpoint);
  asio::awaitable<Checkout> await_or_dial(Endpoint endpoint, SteadyTime deadline);
  asio::awaitable<void> warm_up(Endpoint endpoint, std::unique_ptr<Share> share);
  std::unique_ptr<Connection> take_idle(const Endpoint& endpoint);
  [[nodiscard]] bool worth_awaiting(const Endpoint& endpoint) const;

  Clock& clock_;
  milliseconds connect_;
  UpstreamStats stats_;
  Dialer dialer_;
  ConnectionPool pool_;
  std::map<Endpoint, Warming> warming_;
  Wakeup warmed_;
  std::uint64_t generation_ = 0;  ///< of connections: those from before forget() are not kept
  TaskGroup warming_tasks_;
};

}  // namespace relay
