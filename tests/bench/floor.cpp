// The floor of the accept path: a bare epoll server that reads each request whole and answers it,
// and looks at nothing else. It is also where Thaw sends to: it takes whatever comes.
// Usage: bench_floor PORT (0: any); prints the port.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

constexpr std::size_t kMostBytes = 1024UL * 1024;
constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 41\r\n\r\n"
    R"({"id":"00000000000000000000000000000000"})";

struct Client {
  explicit Client(int accepted) : fd(accepted) {}

  int fd;
  std::size_t used = 0;
  std::unique_ptr<char[]> bytes = std::make_unique_for_overwrite<char[]>(kMostBytes);
};

/// Of the request at the front; 0: not all of it is here yet.
std::size_t request_bytes(std::string_view text) {
  constexpr std::string_view kLength = "\r\ncontent-length: ";
  const auto end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  for (std::size_t line = 0; line < end; line = text.find("\r\n", line + 2)) {
    if (strncasecmp(text.data() + line, kLength.data(), kLength.size()) != 0) continue;
    const std::size_t all =
        end + 4 + std::strtoul(text.data() + line + kLength.size(), nullptr, 10);
    return all <= text.size() ? all : 0;
  }
  return end + 4;
}

/// False: the client is gone.
bool serve(Client& client) {
  const ssize_t count =
      ::recv(client.fd, client.bytes.get() + client.used, kMostBytes - client.used, 0);
  if (count <= 0) return false;
  client.used += static_cast<std::size_t>(count);
  while (const std::size_t done = request_bytes({client.bytes.get(), client.used})) {
    if (::send(client.fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) < 0) return false;
    client.used -= done;
    if (client.used > 0) std::memmove(client.bytes.get(), client.bytes.get() + done, client.used);
  }
  return true;
}

int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, generic, size) != 0 || ::listen(fd, 128) != 0) std::abort();
  ::getsockname(fd, generic, &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

void watch(int epoll, int fd, void* what) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = what;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

}  // namespace

int main(int argc, char** argv) {
  const int listener = listen_on(static_cast<std::uint16_t>(argc > 1 ? std::atoi(argv[1]) : 0));
  const int epoll = ::epoll_create1(0);
  watch(epoll, listener, nullptr);
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      auto* client = static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (client == nullptr) {
        const int fd = ::accept(listener, nullptr, nullptr);
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(epoll, fd, new Client(fd));
      } else if (!serve(*client)) {
        ::close(client->fd);
        delete client;
      }
    }
  }
}
