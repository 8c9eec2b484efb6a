#include "tests/bench/local_peer.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace bench {
namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

}  // namespace

LocalPeer::LocalPeer(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail("connect");
  }
}

LocalPeer::~LocalPeer() { ::close(fd_); }

void LocalPeer::ask(const std::string& request) {
  constexpr std::string_view kLength = "Content-Length: ";
  std::string_view left = request;
  while (!left.empty()) {
    const ssize_t sent = ::send(fd_, left.data(), left.size(), MSG_NOSIGNAL);
    if (sent <= 0) fail("send");
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  std::string answer;
  std::array<char, 65536> part{};
  for (std::size_t whole = std::string::npos; answer.size() < whole;) {
    const ssize_t got = ::recv(fd_, part.data(), part.size(), 0);
    if (got <= 0) fail("recv");
    answer.append(part.data(), static_cast<std::size_t>(got));
    const auto head = answer.find("\r\n\r\n");
    const auto field = answer.find(kLength);
    if (head == std::string::npos || field > head) continue;
    whole = head + 4 + std::strtoull(answer.c_str() + field + kLength.size(), nullptr, 10);
  }
  if (!answer.starts_with("HTTP/1.1 200")) {
    std::fprintf(stderr, "refused: %.200s\n", answer.c_str());
    std::exit(1);
  }
}

}  // namespace bench
