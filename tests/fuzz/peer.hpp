// The far side of one connection of ours: a socket on loopback that sends whatever it is given,
// driven by the same loop.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "relay/descriptor.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/support/run.hpp"

namespace fuzz {

class PeerConnection {
 public:
  explicit PeerConnection(int fd) : socket_(fd) {}

  /// As far as it came by now.
  [[nodiscard]] const std::string& received() {
    std::array<char, 4096> part{};
    for (;;) {
      const ssize_t count = ::recv(socket_.get(), part.data(), part.size(), MSG_DONTWAIT);
      if (count <= 0) return received_;
      received_.append(part.data(), static_cast<std::size_t>(count));
    }
  }

  /// False once the other side is gone, or does not read on.
  bool send(boost::asio::io_context& io, std::string_view bytes) {
    constexpr int kPatience = 1000;
    for (int tries = 0; !bytes.empty() && tries < kPatience; ++tries) {
      const ssize_t sent =
          ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno != EAGAIN) return false;
      bytes.remove_prefix(sent < 0 ? 0 : static_cast<std::size_t>(sent));
      support::settle(io);
    }
    return bytes.empty();
  }

  void send(boost::asio::io_context& io, Pieces pieces) {
    while (!pieces.done() && send(io, pieces.next())) {
    }
  }

  void end_of_stream() { ::shutdown(socket_.get(), SHUT_WR); }

  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_ = relay::Descriptor();
  }

 private:
  relay::Descriptor socket_;
  std::string received_;
};

class Peer {
 public:
  explicit Peer(boost::asio::io_context& io)
      : io_(io), listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast)
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listening_.get(), any, size) == 0);
    REQUIRE(::listen(listening_.get(), 8) == 0);
    REQUIRE(::getsockname(listening_.get(), any, &size) == 0);
    // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
    port_ = ntohs(address.sin_port);
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// nullptr: nobody has come.
  std::unique_ptr<PeerConnection> try_accept() {
    const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    return fd < 0 ? nullptr : std::make_unique<PeerConnection>(fd);
  }

  std::unique_ptr<PeerConnection> accept() {
    std::unique_ptr<PeerConnection> came;
    support::until(io_, [&] {
      if (!came) came = try_accept();
      return came != nullptr;
    });
    return came;
  }

 private:
  boost::asio::io_context& io_;
  relay::Descriptor listening_;
  std::uint16_t port_ = 0;
};

}  // namespace fuzz
