#include "tests/sandbox/sockets.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sandbox {

using asio::ip::tcp;

asio::ip::tcp::acceptor listen_on_loopback(asio::io_context& io) {
  return tcp::acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
}

asio::awaitable<void> accept_all(tcp::acceptor& acceptor, std::function<void(tcp::socket)> taken) {
  for (;;) {
    boost::system::error_code failed;
    tcp::socket socket =
        co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, failed));
    if (failed == asio::error::operation_aborted || failed == asio::error::bad_descriptor)
      co_return;
    if (!failed) taken(std::move(socket));
  }
}

ReservedPort::ReservedPort(asio::io_context& io) : four_(io) {
  four_.open(tcp::v4());
  four_.set_option(tcp::acceptor::reuse_address(true));
  four_.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  number_ = four_.local_endpoint().port();
  // Where there is an IPv6 loopback, its port of that number is kept free too, as far as it goes.
  boost::system::error_code failed;
  six_.emplace(io);
  six_->open(tcp::v6(), failed);
  if (!failed) six_->set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) six_->bind(tcp::endpoint(asio::ip::address_v6::loopback(), number_), failed);
}

void reset(tcp::socket& socket) {
  boost::system::error_code ignored;
  socket.set_option(asio::socket_base::linger(true, 0), ignored);
  // Not left to the destructor: Asio's takes the option back and closes in order.
  socket.close(ignored);
}

}  // namespace sandbox
