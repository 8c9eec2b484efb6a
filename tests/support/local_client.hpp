// A client of the local listener, on a real socket, driven by the same loop as the listener.
#pragma once

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/run.hpp"

namespace support {

/// "POST /api/42/envelope/ …" with its body, as an SDK would send it.
inline std::string post(std::string_view target, std::string_view body,
                        std::string_view headers = "") {
  std::string text = "POST ";
  text.append(target).append(" HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n").append(headers).append("\r\n");
  return text.append(body);
}

class LocalClient {
 public:
  /// `small_buffers`: the kernel holds little of what this client does not read.
  LocalClient(boost::asio::io_context& io, std::uint16_t port, bool small_buffers = false)
      : io_(io), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    REQUIRE(fd_ >= 0);
    const int size = 4096;
    if (small_buffers) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    const bool connected =
        ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    REQUIRE((connected ? 0 : errno) == 0);
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }

  ~LocalClient() { close(); }

  LocalClient(const LocalClient&) = delete;
  LocalClient& operator=(const LocalClient&) = delete;

  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  /// RST in the place of an orderly end: nothing is left behind in the kernel.
  void reset() {
    const linger at_once{1, 0};
    if (fd_ >= 0) ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }

  void end_of_stream() const { ::shutdown(fd_, SHUT_WR); }

  /// How much the kernel took now.
  std::size_t try_send(std::string_view text) {
    const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) broken_ = true;
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }

  /// Pumps the loop until all of it is with the kernel, or the peer is gone.
  void send(std::string_view text) {
    until(io_, [&] {
      text.remove_prefix(try_send(text));
      return text.empty() || broken_;
    });
  }

  /// The next answer with its header, whole.
  std::string answer() {
    std::string whole;
    until(io_, [&] {
      if (whole.empty()) {
        receive();
        whole = take_answer();
      }
      return !whole.empty();
    });
    return whole;
  }

  /// Pumps until the listener has closed the connection.
  void wait_for_end() {
    until(io_, [&] {
      receive();
      return ended_;
    });
  }

  /// What the listener has sent so far, and whether it has closed.
  std::string_view received() {
    receive();
    return received_;
  }

  bool ended() {
    receive();
    return ended_;
  }

 private:
  void receive() {
    std::array<char, 16384> part{};
    for (;;) {
      const ssize_t count = ::recv(fd_, part.data(), part.size(), 0);
      if (count > 0) {
        received_.append(part.data(), static_cast<std::size_t>(count));
        continue;
      }
      if (count == 0 || errno != EAGAIN) ended_ = true;
      return;
    }
  }

  std::string take_answer() {
    constexpr std::string_view kLength = "Content-Length: ";
    const auto header_end = received_.find("\r\n\r\n");
    if (header_end == std::string::npos) return {};
    std::size_t length = 0;
    const auto field = received_.find(kLength);
    if (field < header_end) {
      length = std::strtoull(received_.c_str() + field + kLength.size(), nullptr, 10);
    }
    const std::size_t whole = header_end + 4 + length;
    if (received_.size() < whole) return {};
    std::string taken = received_.substr(0, whole);
    received_.erase(0, whole);
    return taken;
  }

  boost::asio::io_context& io_;
  int fd_;
  std::string received_;
  bool ended_ = false;
  bool broken_ = false;
};

/// "200" of "HTTP/1.1 200 OK…"
inline std::string status_of(std::string_view answer) { return std::string(answer.substr(9, 3)); }

inline std::string body_of(std::string_view answer) {
  return std::string(answer.substr(answer.find("\r\n\r\n") + 4));
}

}  // namespace support
