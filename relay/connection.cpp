#include "relay/connection.hpp"

#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netinet/tcp.h>

namespace relay {

using asio::ip::tcp;
using boost::system::error_code;

namespace {

// tcp(7), TCP_NOTSENT_LOWAT: what the kernel holds beyond what is on its way. Left to itself it
// takes megabytes, which a freeze then catches, and which one send may have to move all at once.
using MostUnsent = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
constexpr int kMostUnsent = 128 * 1024;

}  // namespace

Connection::Connection(const asio::any_io_executor& executor, UpstreamStats& stats)
    : socket_(executor), stats_(stats) {}

Connection::~Connection() = default;

asio::awaitable<proto::Result<void>> Connection::connect(asio::ip::address address,
                                                         std::uint16_t port) {
  const tcp::endpoint peer(address, port);
  error_code failed;
  socket_.open(peer.protocol(), failed);
  if (failed) co_return failed;
  co_await socket_.async_connect(peer, asio::redirect_error(asio::use_awaitable, failed));
  if (failed) co_return failed;
  socket_.non_blocking(true, failed);
  if (failed) co_return failed;
  // Without it the tail of a request may wait for an acknowledgement; failing that, it only is
  // slower.
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.set_option(MostUnsent(kMostUnsent), ignored);
  wire_.emplace(socket_.native_handle(), stats_);
  ++stats_.connects;
  co_return proto::Result<void>{};
}

asio::awaitable<proto::Result<void>> Connection::handshake(ssl_ctx_st* context, Endpoint endpoint,
                                                           TlsSessions& sessions) {
  tls_ = std::make_unique<TlsStream>(context, *wire_, std::move(endpoint), sessions);
  for (;;) {
    const Step step = tls_->handshake();
    if (step.failed) co_return step.failed;
    if (step.want == Step::Want::nothing) break;
    const error_code failed = co_await ready(step.want);
    if (failed) co_return failed;
  }
  ++stats_.tls_handshakes;
  if (tls_->resumed()) ++stats_.tls_resumed;
  co_return proto::Result<void>{};
}

asio::awaitable<proto::Result<std::size_t>> Connection::read_some(asio::mutable_buffer into) {
  for (;;) {
    const Step step = tls_ ? tls_->read(into) : wire_->receive(into);
    if (step.failed) co_return step.failed;
    if (step.want == Step::Want::nothing) co_return step.bytes;
    const error_code failed = co_await ready(step.want);
    if (failed) co_return failed;
  }
}

asio::awaitable<proto::Result<std::size_t>> Connection::write_some(std::string_view bytes) {
  for (;;) {
    const Step step = tls_ ? tls_->write(bytes) : wire_->send(bytes);
    if (step.failed) co_return step.failed;
    if (step.want == Step::Want::nothing) co_return step.bytes;
    const error_code failed = co_await ready(step.want);
    if (failed) co_return failed;
  }
}

bool Connection::quiet() { return tls_ ? tls_->quiet() : wire_->quiet(); }

asio::awaitable<error_code> Connection::ready(Step::Want want) {
  error_code failed;
  co_await socket_.async_wait(
      want == Step::Want::writable ? tcp::socket::wait_write : tcp::socket::wait_read,
      asio::redirect_error(asio::use_awaitable, failed));
  co_return failed;
}

}  // namespace relay
