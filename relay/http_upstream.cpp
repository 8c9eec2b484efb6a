#include "relay/http_upstream.hpp"

#include <utility>

#include <boost/asio/error.hpp>

#include "relay/deadline.hpp"
#include "relay/errc.hpp"
#include "relay/http_exchange.hpp"

namespace relay {

namespace {

/// 407; and 401 with a challenge, which tinyproxy says to a wrong password (tinyproxy/tinyproxy:
/// src/reqs.c, src/html-error.c) and Relay never (getsentry/relay:
/// relay-server/src/endpoints/common.rs).
bool is_of_proxy(const UpstreamAnswer& answer) {
  return answer.status == 407 || (answer.status == 401 && answer.challenge);
}

}  // namespace

/// One of the counts in Warming, held as long as this lives, cancelled or not.
class HttpUpstream::Share {
 public:
  Share(HttpUpstream& upstream, Endpoint endpoint, std::size_t Warming::* count)
      : upstream_(upstream), endpoint_(std::move(endpoint)), count_(count) {
    ++(upstream_.warming_[endpoint_].*count_);
  }

  ~Share() {
    const auto warming = upstream_.warming_.find(endpoint_);
    --(warming->second.*count_);
    if (warming->second.connections + warming->second.awaited == 0)
      upstream_.warming_.erase(warming);
    if (count_ == &Warming::connections) upstream_.warmed_.notify();
  }

  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

 private:
  HttpUpstream& upstream_;
  Endpoint endpoint_;
  std::size_t Warming::* count_;
};

HttpUpstream::HttpUpstream(asio::any_io_executor executor, Clock& clock, Log& log,
                           Settings settings)
    : clock_(clock),
      connect_(settings.connect),
      dialer_(executor, clock, log, stats_,
              {.trust = {.ca_file = std::move(settings.ca_file),
                         .ssl_cert_file = std::move(settings.ssl_cert_file)},
               .resolver = {.name_servers = std::move(settings.name_servers)},
               .proxies = std::move(settings.proxies),
               .watch = settings.watch}),
      pool_(clock, settings.reuse, settings.idle),
      warmed_(executor),
      warming_tasks_(executor, [&log](const std::exception_ptr& failure) {
        log.once("warm", LogLevel::error, "connecting ahead failed: " + describe(failure));
      }) {}

HttpUpstream::~HttpUpstream() = default;

asio::awaitable<proto::Result<UpstreamAnswer>> HttpUpstream::send(const UpstreamRequest& request,
                                                                  SendProgress& progress) {
  progress = SendProgress{};
  const proto::Proxy* const proxy = forward_proxy_of(request.endpoint);
  std::string head = request_head(request, proxy);
  if (head.empty()) co_return make_error_code(asio::error::invalid_argument);
  const std::uint64_t generation = generation_;
  if (request.on_live_connection && !pool_.has(request.endpoint)) co_return Errc::no_connection;
  auto connection = co_await checkout(request.endpoint);
  if (!connection) co_return connection.error();
  progress.reused_connection = connection->pooled;
  auto done =
      co_await exchange(*connection->connection, std::move(head), request.body, progress, clock_);
  if (!done) {
    // A kept one that had died seldom died alone, and a request that is written into one after the
    // other is soon one that may have been accepted too often.
    const bool died = connection->pooled && done.error() != asio::error::operation_aborted;
    if (died) pool_.clear(request.endpoint);
    co_return done.error();
  }
  if (proxy != nullptr && is_of_proxy(done->answer)) {
    // It has gone no further than to the proxy.
    progress = SendProgress{};
    co_return dialer_.refused(*proxy, request.endpoint, done->answer.status);
  }
  if (done->keeps_connection && generation == generation_) {
    pool_.put(request.endpoint, std::move(connection->connection));
  }
  co_return std::move(done->answer);
}

void HttpUpstream::warm(const Endpoint& endpoint) {
  if (warming_.contains(endpoint) || pool_.has(endpoint)) return;
  // Counted from now on, not from the task's first turn.
  auto share = std::make_unique<Share>(*this, endpoint, &Warming::connections);
  warming_tasks_.spawn(warm_up(endpoint, std::move(share)));
}

void HttpUpstream::forget() {
  ++generation_;
  pool_.clear();
  dialer_.forget();
  stats_ = {};
}

void HttpUpstream::forget_names() { dialer_.forget_names(); }

/// The proxy that is sent whole requests for `endpoint`: with TLS it sees a tunnel only.
const proto::Proxy* HttpUpstream::forward_proxy_of(const Endpoint& endpoint) const {
  return endpoint.tls ? nullptr : dialer_.proxy_of(endpoint);
}

asio::awaitable<HttpUpstream::Checkout> HttpUpstream::checkout(Endpoint endpoint) {
  if (auto idle = take_idle(endpoint)) co_return Pooled{std::move(idle), true};
  const SteadyTime deadline = clock_.now() + connect_;
  auto found = co_await with_deadline(clock_, deadline, await_or_dial(endpoint, deadline));
  if (found || found.error() != Errc::deadline_exceeded) co_return found;
  if (dialer_.proxy_of(endpoint) != nullptr) co_return Errc::proxy_timed_out;
  co_return asio::error::timed_out;
}

asio::awaitable<HttpUpstream::Checkout> HttpUpstream::await_or_dial(Endpoint endpoint,
                                                                    SteadyTime deadline) {
  while (worth_awaiting(endpoint)) {
    const Share waits(*this, endpoint, &Warming::awaited);
    co_await warmed_.wait();
    if (auto idle = take_idle(endpoint)) co_return Pooled{std::move(idle), true};
  }
  auto dialled = co_await dialer_.dial(endpoint, deadline);
  if (!dialled) co_return dialled.error();
  co_return Pooled{std::move(*dialled), false};
}

asio::awaitable<void> HttpUpstream::warm_up(Endpoint endpoint, std::unique_ptr<Share> share) {
  const std::uint64_t generation = generation_;
  const SteadyTime deadline = clock_.now() + connect_;
  auto dialled = co_await with_deadline(clock_, deadline, dialer_.dial(endpoint, deadline));
  if (dialled && generation == generation_) pool_.put(std::move(endpoint), std::move(*dialled));
  share.reset();  // tells those who wait; they look into the pool first
}

std::unique_ptr<Connection> HttpUpstream::take_idle(const Endpoint& endpoint) {
  auto idle = pool_.take(endpoint);
  if (idle) ++stats_.reused;
  return idle;
}

bool HttpUpstream::worth_awaiting(const Endpoint& endpoint) const {
  const auto warming = warming_.find(endpoint);
  return warming != warming_.end() && warming->second.connections > warming->second.awaited;
}

}  // namespace relay
