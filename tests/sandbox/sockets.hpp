// Listening on loopback, on ports the kernel picks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace sandbox {

namespace asio = boost::asio;

/// A listener on 127.0.0.1; throws system_error when the kernel refuses.
[[nodiscard]] asio::ip::tcp::acceptor listen_on_loopback(asio::io_context& io);

/// Hands each connection on until cancelled.
asio::awaitable<void> accept_all(asio::ip::tcp::acceptor& acceptor,
                                 std::function<void(asio::ip::tcp::socket)> taken);

/// A port that is bound but never listened on: nobody else is given it, whoever sets SO_REUSEADDR
/// may listen on it, and until then connections are refused.
class ReservedPort {
 public:
  explicit ReservedPort(asio::io_context& io);

  [[nodiscard]] std::uint16_t number() const { return number_; }

 private:
  asio::ip::tcp::acceptor four_;
  std::optional<asio::ip::tcp::acceptor> six_;
  std::uint16_t number_ = 0;
};

/// Closes with RST and throws away what is unread.
void reset(asio::ip::tcp::socket& socket);

}  // namespace sandbox
