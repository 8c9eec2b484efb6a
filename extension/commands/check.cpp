#include "extension/commands/check.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/this_coro.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "extension/commands/findings.hpp"
#include "relay/deadline.hpp"
#include "relay/dial_watch.hpp"
#include "relay/disk.hpp"
#include "relay/http_upstream.hpp"
#include "relay/task_group.hpp"
#include "relay/upstream_request.hpp"

namespace extension {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// Between the two requests: longer than a Relay takes to ask its upstream for a key.
constexpr relay::milliseconds kSecondLook{1000};

void print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

bool print_all(const std::vector<Finding>& findings) {
  for (const auto& finding : findings) print(to_text(finding));
  return !any_failed(findings);
}

error_code port_trouble(asio::io_context& io, std::uint16_t port) {
  using asio::ip::tcp;
  error_code failed;
  tcp::acceptor acceptor(io);
  static_cast<void>(acceptor.open(tcp::v4(), failed));
  // As the listener does: it would not mind connections of an earlier process.
  if (!failed) static_cast<void>(acceptor.set_option(tcp::acceptor::reuse_address(true), failed));
  if (!failed) {
    static_cast<void>(acceptor.bind({asio::ip::address_v4::loopback(), port}, failed));
  }
  return failed;
}

/// The folder and those on the way to it, as far as they are missing; the deepest first.
std::vector<std::string> missing_folders(std::string path) {
  std::vector<std::string> missing;
  struct stat found{};
  while (!path.empty() && ::lstat(path.c_str(), &found) != 0) {
    missing.push_back(path);
    path.resize(std::min(path.rfind('/'), path.size()));
  }
  return missing;
}

/// Writes a byte where the journal would, and leaves things as they were.
error_code journal_trouble(const std::string& path) {
  relay::SystemDisk disk;
  struct stat before{};
  const bool was_there = ::lstat(path.c_str(), &before) == 0;
  const auto missing = missing_folders(path);
  const auto folder = disk.open_folder(path);
  if (!folder) return folder.error();
  const std::string name = "check." + std::to_string(::getpid());
  error_code failed;
  if (const auto file = disk.create(*folder, name)) {
    const std::string_view byte = "x";
    if (const auto written = disk.write(*file, 0, {&byte, 1}); !written) failed = written.error();
    static_cast<void>(disk.unlink(*folder, name));
  } else {
    failed = file.error();
  }
  // A folder that this user has made may be one that Thaw's cannot use.
  for (const auto& made : missing) ::rmdir(made.c_str());
  if (was_there) ::fchmod(folder->get(), before.st_mode & 07777U);
  return failed;
}

/// Fills the facts as the road is gone, and times each step.
class Watch final : public relay::DialWatch {
 public:
  Watch(const relay::Clock& clock, RoadFacts& facts)
      : clock_(clock), facts_(facts), since_(clock.now()) {}

  void resolved(const std::vector<asio::ip::address>& addresses) override {
    for (const auto& address : addresses) facts_.addresses.push_back(address.to_string());
    facts_.dns = lap();
  }

  void connected(const asio::ip::address& address) override {
    facts_.connected_to = address.to_string();
    facts_.tcp = lap();
  }

  void asked_proxy(unsigned status) override {
    facts_.proxy_status = status;
    facts_.proxy_took = lap();
  }

  void met(const relay::TlsPeer& peer, const std::string& roots) override {
    facts_.peer = peer;
    facts_.roots = roots;
    facts_.tls = lap();
  }

  /// The request is over; of the steps before it, the one that was not reached took the time.
  void over() {
    const bool tunnelled = !facts_.proxy || !facts_.dsn.tls || facts_.proxy_status;
    const bool secured = !facts_.dsn.tls || facts_.peer;
    (facts_.addresses.empty()      ? facts_.dns
     : facts_.connected_to.empty() ? facts_.tcp
     : !tunnelled                  ? facts_.proxy_took
     : !secured                    ? facts_.tls
                                   : facts_.sentry) = lap();
  }

 private:
  relay::milliseconds lap() {
    const auto now = clock_.now();
    return std::chrono::duration_cast<relay::milliseconds>(now - std::exchange(since_, now));
  }

  const relay::Clock& clock_;
  RoadFacts& facts_;
  relay::SteadyTime since_;
};

struct NoLog final : relay::LogSink {
  bool write(std::string_view) override { return true; }
};

asio::awaitable<RoadFacts> go(relay::Clock& clock, const Settings& settings, proto::Dsn dsn) {
  RoadFacts facts{.dsn = dsn,
                  .ca_file = settings.upstream.ca_file,
                  .ssl_cert_file = settings.upstream.ssl_cert_file};
  const auto* proxy = settings.upstream.proxies.choose(dsn.tls, dsn.host, dsn.port);
  if (proxy != nullptr) facts.proxy = *proxy;
  NoLog silent;
  relay::Log log({}, silent, clock);
  Watch watch(clock, facts);
  auto road = settings.upstream;
  road.watch = &watch;
  road.reuse = 2 * kSecondLook;
  relay::HttpUpstream upstream(co_await asio::this_coro::executor, clock, log, std::move(road));
  relay::Destination destination;
  destination.route = {std::move(dsn), true};
  for (const bool first : {true, false}) {
    auto composed = relay::compose_report({}, destination, clock.wall_now());
    composed.request.on_live_connection = !first;
    relay::SendProgress progress;
    auto answer =
        co_await relay::with_deadline(clock, clock.now() + settings.relay.delivery.request,
                                      upstream.send(composed.request, progress));
    if (first) {
      watch.over();
      if (!answer) facts.failed = answer.error();
    }
    // A connection that was not kept for the second is no failure.
    if (!answer) break;
    facts.answer = std::move(*answer);
    if (!first || facts.answer->status != 200) break;
    co_await clock.sleep_until(clock.now() + kSecondLook);
  }
  upstream.stop();
  co_await upstream.join();
  co_return facts;
}

asio::awaitable<bool> go_all(relay::Clock& clock, const Settings& settings) {
  bool good = true;
  for (const auto& dsn : settings.relay.route.configured) {
    print("\n" + proto::to_public_string(dsn) + "\n");
    const RoadFacts facts = co_await go(clock, settings, dsn);
    good = print_all(findings_of(facts, clock.wall_now())) && good;
  }
  co_return good;
}

}  // namespace

int check(asio::io_context& io, relay::Clock& clock, const SettingsReading& reading) {
  const Settings& settings = reading.settings;
  Surroundings surroundings;
  if (settings.journal) surroundings.journal = journal_trouble(settings.spool_dir);
  surroundings.port = port_trouble(io, settings.relay.listener.port);
  print("thaw " THAW_VERSION "\n");
  bool good = print_all(findings_of(reading, surroundings));
  const auto on_end = [&](const std::exception_ptr& failure, bool all_reached) {
    good = good && all_reached && !failure;
    if (failure) print("  stopped by an internal error: " + relay::describe(failure) + "\n");
  };
  asio::co_spawn(io, go_all(clock, settings), on_end);
  io.run();
  print(good ? "\nall is well\n" : "\nsomething failed: see above\n");
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace extension
