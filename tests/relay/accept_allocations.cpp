// How often the relay allocates for one accepted envelope, with the journal off and on: a program
// of its own, because it replaces operator new; bodies (proto::Bytes) are not in it. Fails above
// its limits, which are a little above what was counted: they are there so that nothing creeps in.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>

#include <arpa/inet.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "relay/disk.hpp"
#include "relay/relay.hpp"
#include "relay/spool_journal.hpp"
#include "relay/wakeup.hpp"

namespace {

std::size_t allocations = 0;

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* const block = std::malloc(size)) return block;
  throw std::bad_alloc();
}

void operator delete(void* block) noexcept { std::free(block); }

void operator delete(void* block, std::size_t) noexcept { std::free(block); }

namespace {

namespace asio = boost::asio;

constexpr int kWarmUp = 20;
constexpr int kCounted = 200;
const std::string kKey = "abcdef0123456789abcdef0123456789";

class NoLines final : public relay::LogSink {
 public:
  bool write(std::string_view) override { return true; }
};

/// Takes every request and answers none.
class SilentUpstream final : public relay::Upstream {
 public:
  explicit SilentUpstream(const asio::any_io_executor& executor) : never_(executor) {}

  asio::awaitable<proto::Result<relay::UpstreamAnswer>> send(const relay::UpstreamRequest&,
                                                             relay::SendProgress&) override {
    co_await never_.wait();
    co_return make_error_code(boost::system::errc::operation_canceled);
  }

  void warm(const relay::Endpoint&) override {}

  void forget() override {}

  void forget_names() override {}

 private:
  relay::Wakeup never_;
};

int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) std::abort();
  return fd;
}

std::string request() {
  const std::string payload(1000, 'x');
  const std::string body =
      "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\",\"sent_at\":\"2026-11-29T10:00:00Z\"}\n"
      "{\"type\":\"event\",\"length\":1000}\n" +
      payload;
  return "POST /api/42/envelope/ HTTP/1.1\r\nHost: 127.0.0.1:9797\r\n"
         "User-Agent: sentry.python/2.75.0\r\nX-Sentry-Auth: Sentry sentry_key=" +
         kKey +
         ", sentry_version=7, sentry_client=sentry.python/2.75.0\r\n"
         "Content-Type: application/x-sentry-envelope\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Of one envelope, in the mean.
double count(asio::io_context& io, relay::Relay& relay) {
  const int client = connect_to(relay.port());
  const std::string wire = request();
  std::array<char, 1024> answer{};
  for (int i = 0; i < kWarmUp + kCounted; ++i) {
    if (i == kWarmUp) allocations = 0;
    if (::send(client, wire.data(), wire.size(), 0) < 0) std::abort();
    ssize_t got = -1;
    while ((got = ::recv(client, answer.data(), answer.size(), MSG_DONTWAIT)) < 0) io.run_one();
    if (!std::string_view(answer.data(), static_cast<std::size_t>(got))
             .starts_with("HTTP/1.1 200 "))
      std::abort();
  }
  const double each = static_cast<double>(allocations) / kCounted;
  ::close(client);
  return each;
}

double count_with(relay::Journal& (*choose)(relay::Journal& none, relay::Journal& spool)) {
  asio::io_context io{1};
  relay::SystemClock clock(io.get_executor());
  NoLines lines;
  relay::Log log({}, lines, clock);
  const auto folder =
      std::filesystem::temp_directory_path() / ("thaw-counts-" + std::to_string(::getpid()));
  relay::SystemDisk disk;
  relay::NoJournal none;
  relay::SpoolJournal spool({.folder = folder}, disk, clock, log);
  SilentUpstream upstream(io.get_executor());
  relay::Settings settings;
  settings.listener.port = 0;
  settings.route.configured = {*proto::parse_dsn("https://" + kKey + "@up.example/42")};
  relay::Relay relay(io.get_executor(), clock, log, upstream, choose(none, spool), settings,
                     [] { return std::uint64_t{0}; });
  relay.bind();
  relay.set_gate(relay::Gate::open);
  relay.start();
  const double each = count(io, relay);
  asio::co_spawn(io, relay.stop(), [&](const std::exception_ptr&) { io.stop(); });
  io.run();
  std::filesystem::remove_all(folder);
  return each;
}

bool within(const char* what, double each, double limit) {
  std::printf("journal %s: %.1f allocations an envelope, at most %.0f\n", what, each, limit);
  return each <= limit;
}

}  // namespace

int main() {
  const double off =
      count_with([](relay::Journal& none, relay::Journal&) -> relay::Journal& { return none; });
  const double on =
      count_with([](relay::Journal&, relay::Journal& spool) -> relay::Journal& { return spool; });
  const bool in_memory = within("off", off, 8);
  const bool with_journal = within("on", on, 10);
  return in_memory && with_journal ? EXIT_SUCCESS : EXIT_FAILURE;
}
