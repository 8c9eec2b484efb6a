// The load of the accept benchmark: one thread, CONNECTIONS kept alive, each sending the request
// again as soon as it is answered. Every answer is looked at; anything but 200 ends it. With more
// than one connection it asks for answers all the time instead of sleeping until there is one.
// Usage: bench_load PORT REQUEST_FILE CONNECTIONS REQUESTS LATENCIES_FILE
// Prints the nanoseconds that all of it took; the file gets each latency, ns, 4 bytes.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int fd = -1;
  std::size_t sent = 0;
  std::string answer;
  Clock::time_point begun;
};

[[noreturn]] void fail(const char* what, std::string_view detail = {}) {
  std::fprintf(stderr, "bench_load: %s %.*s\n", what, static_cast<int>(detail.size()),
               detail.data());
  std::exit(1);
}

std::string read_file(const char* path) {
  std::string text;
  std::FILE* file = std::fopen(path, "rb");
  if (file == nullptr) fail("cannot read", path);
  std::array<char, 65536> part{};
  while (const std::size_t count = std::fread(part.data(), 1, part.size(), file)) {
    text.append(part.data(), count);
  }
  std::fclose(file);
  return text;
}

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  return fd;
}

bool is_whole(std::string_view answer) {
  constexpr std::string_view kLength = "\r\ncontent-length: ";
  const auto end = answer.find("\r\n\r\n");
  if (end == std::string_view::npos) return false;
  if (!answer.starts_with("HTTP/1.1 200 ")) fail("answered", answer);
  for (std::size_t line = 0; line < end; line = answer.find("\r\n", line + 2)) {
    if (strncasecmp(answer.data() + line, kLength.data(), kLength.size()) != 0) continue;
    return answer.size() >=
           end + 4 + std::strtoul(answer.data() + line + kLength.size(), nullptr, 10);
  }
  fail("an answer without a length", answer);
}

/// Each connection has one request under way at most.
class Load {
 public:
  Load(std::uint16_t port, std::string request, std::size_t connections, std::size_t requests)
      : request_(std::move(request)), left_(requests), connections_(connections) {
    latencies_.reserve(requests);
    for (auto& connection : connections_) {
      connection.fd = connect_to(port);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = &connection;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd, &event);
    }
  }

  std::chrono::nanoseconds run() {
    const std::size_t wanted = left_;
    const auto begun = Clock::now();
    for (auto& connection : connections_) begin(connection);
    std::array<epoll_event, 64> events{};
    const int most_ms = connections_.size() > 1 ? 0 : 10000;
    auto heard = begun;
    while (latencies_.size() < wanted) {
      const int count =
          ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), most_ms);
      const auto now = Clock::now();
      if (count > 0) heard = now;
      if (now - heard >= std::chrono::seconds{10}) fail("no answer for ten seconds");
      for (int i = 0; i < count; ++i) {
        hear(*static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr));
      }
    }
    return Clock::now() - begun;
  }

  [[nodiscard]] const std::vector<std::uint32_t>& latencies() const { return latencies_; }

 private:
  void begin(Connection& connection) {
    if (left_ == 0) return;
    --left_;
    connection.answer.clear();
    connection.begun = Clock::now();
    std::size_t sent = 0;
    // Blocking: what does not fit the socket waits for the server to read.
    while (sent < request_.size()) {
      const ssize_t count =
          ::send(connection.fd, request_.data() + sent, request_.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) fail("send");
      sent += static_cast<std::size_t>(count);
    }
  }

  void hear(Connection& connection) {
    std::array<char, 4096> part;
    const ssize_t count = ::recv(connection.fd, part.data(), part.size(), 0);
    if (count <= 0) fail("the connection was closed");
    connection.answer.append(part.data(), static_cast<std::size_t>(count));
    if (!is_whole(connection.answer)) return;
    latencies_.push_back(static_cast<std::uint32_t>((Clock::now() - connection.begun).count()));
    begin(connection);
  }

  std::string request_;
  std::size_t left_;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> latencies_;
  int epoll_ = ::epoll_create1(0);
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) fail("usage: PORT REQUEST_FILE CONNECTIONS REQUESTS LATENCIES_FILE");
  const auto number = [&](int at) { return std::strtoul(argv[at], nullptr, 10); };
  Load load(static_cast<std::uint16_t>(number(1)), read_file(argv[2]), number(3), number(4));
  const auto took = load.run();
  std::FILE* file = std::fopen(argv[5], "wb");
  const auto& latencies = load.latencies();
  std::fwrite(latencies.data(), sizeof latencies.front(), latencies.size(), file);
  std::fclose(file);
  std::printf("%lld\n", static_cast<long long>(took.count()));
  return 0;
}
