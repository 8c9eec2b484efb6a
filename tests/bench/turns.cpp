// The longest single turn of the loop, by what causes it: the real relay on real sockets, one
// handler at a time. In CPU time of the thread, so that what else the machine does is not in it;
// what the disk took is measured apart. Prints a Markdown table.
// Usage: bench_turns [--quick] [--json FILE]
#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include "extension/allocator.hpp"
#include "proto/codec.hpp"
#include "relay/capture_upstream.hpp"
#include "relay/http_upstream.hpp"
#include "relay/relay.hpp"
#include "relay/snapshot.hpp"
#include "relay/spool_journal.hpp"
#include "tests/bench/arguments.hpp"
#include "tests/bench/far_processes.hpp"
#include "tests/bench/local_peer.hpp"
#include "tests/bench/turn_meter.hpp"

namespace {

namespace asio = boost::asio;
using bench::Meter;
using bench::MeteredDisk;
using relay::milliseconds;

const std::string kKey = "abcdef0123456789abcdef0123456789";
constexpr std::size_t kMany = 10'000;
constexpr std::size_t kManyOfSpool = 2'500;  // of 16 KiB, beside 19 MiB: all of the journal's room

class NoLines final : public relay::LogSink {
 public:
  bool write(std::string_view) override { return true; }
};

std::uint64_t no_bits() { return 7; }

relay::Settings settings_for(const std::string& dsn) {
  relay::Settings settings;
  settings.listener.port = 0;
  settings.route.configured = {*proto::parse_dsn(dsn)};
  return settings;
}

/// A relay with everything it has in production.
class Bench {
 public:
  Bench(const std::string& dsn, const std::string& folder, const std::string& ca_file = {},
        relay::Upstream* instead = nullptr)
      : spool_({folder}, disk_, clock_, log_),
        upstream_(io_.get_executor(), clock_, log_, {.ca_file = ca_file}),
        relay_(io_.get_executor(), clock_, log_, instead == nullptr ? upstream_ : *instead, spool_,
               settings_for(dsn), no_bits) {
    relay_.bind();
    relay_.start();
  }

  ~Bench() {
    bool ended = false;
    asio::co_spawn(io_, stop(), [&](const std::exception_ptr&) { ended = true; });
    while (!ended) io_.run_one();
  }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  relay::Relay& relay() { return relay_; }

  relay::Clock& clock() { return clock_; }

  /// Forgets what was measured so far.
  void begin() { meter_.begin(disk_); }

  Meter::Turn longest() const { return meter_.longest(); }

  /// Turns the loop, each turn measured, until `done()`.
  void turn_until(const std::function<bool()>& done) {
    while (!done()) meter_.measure(disk_, [this] { io_.run_one_for(milliseconds{20}); });
  }

  /// As a task of the loop, measured.
  void turn(const std::function<void()>& work) { meter_.measure(disk_, work); }

  /// Another thread is the client, and done when it ends.
  void serve(const std::function<void(std::uint16_t)>& client) {
    std::atomic<bool> done = false;
    std::thread thread([&, port = relay_.port()] {
      client(port);
      done = true;
    });
    turn_until([&] { return done.load(); });
    thread.join();
  }

  void empty() {
    turn_until([this] { return relay_.snapshot().envelopes_waiting == 0; });
  }

 private:
  asio::awaitable<void> stop() {
    co_await relay_.stop();
    upstream_.stop();
    co_await upstream_.join();
  }

  asio::io_context io_{1};
  relay::SystemClock clock_{io_.get_executor()};
  NoLines lines_;
  relay::Log log_{{}, lines_, clock_};
  MeteredDisk disk_;
  relay::SpoolJournal spool_;
  relay::HttpUpstream upstream_;
  relay::Relay relay_;
  Meter meter_;
};

std::string envelope(std::string_view type, std::string_view payload) {
  return "{}\n{\"type\":\"" + std::string(type) +
         "\",\"length\":" + std::to_string(payload.size()) + "}\n" + std::string(payload) + "\n";
}

/// Text that compresses to half its size, as hexadecimal noise does.
std::string noise(std::size_t size) {
  std::uint64_t state = 88172645463325252ULL;
  std::string text(size, '0');
  for (char& c : text) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    c = "0123456789abcdef"[state & 15U];
  }
  return text;
}

std::string gzipped(const std::string& text) {
  proto::Bytes out;
  proto::encode(proto::Encoding::gzip, text, "", out);
  return std::string(out.view());
}

std::string post(const std::string& body, const std::string& headers = "") {
  return "POST /api/42/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Sentry-Auth: Sentry sentry_key=" +
         kKey + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
}

/// The same, its body in chunks of 64 KiB.
std::string post_chunked(std::string_view body) {
  std::string request = post("", "Transfer-Encoding: chunked\r\n");
  constexpr std::string_view kNoLength = "Content-Length: 0\r\n";
  request.erase(request.find(kNoLength), kNoLength.size());
  constexpr std::size_t kChunk = 65536;
  for (; !body.empty(); body.remove_prefix(std::min(kChunk, body.size()))) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", std::min(kChunk, body.size()));
    request += size;
    request += body.substr(0, kChunk);
    request += "\r\n";
  }
  return request + "0\r\n\r\n";
}

/// Where everything is.
struct Places {
  bench::FarProcesses far;
  std::string folder;

  [[nodiscard]] std::string plain() const { return dsn("http", far.ports().plain); }

  [[nodiscard]] std::string tls() const { return dsn("https", far.ports().tls); }

  [[nodiscard]] std::string limiting() const { return dsn("http", far.ports().limiting); }

  static std::string dsn(const std::string& scheme, std::uint16_t port) {
    return scheme + "://" + kKey + "@localhost:" + std::to_string(port) + "/42";
  }

  [[nodiscard]] std::string new_folder() const {
    std::filesystem::remove_all(folder);
    return folder;
  }
};

class Report {
 public:
  Report(std::FILE* json, std::size_t many) : json_(json) {
    std::printf(
        "## The longest turn of the loop\n\n"
        "CPU time of one handler, ms; of it what reading and writing the journal's files took. N "
        "is "
        "%zu, of 2 KB each.\n\n"
        "| what | longest turn | of it the disk | turns |\n|---|---:|---:|---:|\n",
        many);
  }

  void add(const char* what, const Bench& bench) {
    const Meter::Turn turn = bench.longest();
    if (turn.cpu_ms > kLongestMs) {
      char text[kTextBytes];
      std::snprintf(text, sizeof text, "%s%s: %.1f ms", too_long_.empty() ? "" : "; ", what,
                    turn.cpu_ms);
      too_long_ += text;
    }
    std::printf("| %s | %.2f | %.2f | %zu |\n", what, turn.cpu_ms, turn.disk_ms, turn.turns);
    std::fflush(stdout);
    if (json_ == nullptr) return;
    std::fprintf(json_, "%s{\"what\":\"%s\",\"cpu_ms\":%g,\"disk_ms\":%g,\"turns\":%zu}",
                 std::exchange(first_, false) ? "{\"turns\":[" : ",\n", what, turn.cpu_ms,
                 turn.disk_ms, turn.turns);
  }

  void end() {
    if (json_ != nullptr) std::fputs("],\n", json_);
    bench::promise(json_, "the longest turn of the loop", "at most 5 ms of CPU",
                   too_long_.empty() ? "none is longer" : too_long_, too_long_.empty());
    if (json_ != nullptr) std::fputs("}\n", json_);
  }

 private:
  static constexpr double kLongestMs = 5;
  static constexpr std::size_t kTextBytes = 100;

  std::FILE* json_;
  std::string too_long_;
  bool first_ = true;
};

/// One body in, kept; then out.
void large_body(const Places& places, Report& report, const char* in, const char* out,
                const std::string& request) {
  Bench bench(places.plain(), places.new_folder());
  bench.begin();
  bench.serve([&](std::uint16_t port) { bench::LocalPeer(port).ask(request); });
  report.add(in, bench);
  bench.begin();
  bench.relay().set_gate(relay::Gate::open);
  bench.empty();
  report.add(out, bench);
}

/// One large body that an earlier process has left; then others have to go for such a one.
void large_left(const Places& places, Report& report, std::string_view body) {
  const std::string folder = places.new_folder();
  {
    Bench bench(places.plain(), folder);
    bench.begin();
    bench.serve([&](std::uint16_t port) {
      bench::LocalPeer(port).ask(post_chunked(envelope("attachment", body)));
    });
    report.add("19 MiB in chunks, accepted", bench);
  }
  Bench bench(places.plain(), folder);
  bench.begin();
  bench.relay().recover();
  bench.turn_until([&] { return bench.relay().snapshot().envelopes_waiting == 1; });
  report.add("19 MiB, recovered", bench);
  const std::string many = post(envelope("transaction", body.substr(0, 16UL * 1024)));
  bench.serve([&](std::uint16_t port) {
    bench::LocalPeer peer(port);
    for (std::size_t i = 0; i < kManyOfSpool; ++i) peer.ask(many);
  });
  const std::string large = envelope("event", "{}") + envelope("attachment", body).substr(3);
  bench.begin();
  bench.serve([&](std::uint16_t port) { bench::LocalPeer(port).ask(post(large)); });
  report.add("19 MiB, accepted where others have to go", bench);
}

void large_bodies(const Places& places, Report& report) {
  const std::string whole = noise(39 * relay::kMiB);
  const auto half = std::string_view(whole).substr(0, 19 * relay::kMiB);
  large_body(places, report, "19 MiB, accepted", "19 MiB, delivered",
             post(envelope("attachment", half)));
  large_left(places, report, half);
  large_body(
      places, report, "1 MiB, gzip, accepted", "1 MiB, delivered",
      post(gzipped(envelope("event", whole.substr(0, relay::kMiB))), "Content-Encoding: gzip\r\n"));
  const std::string packed =
      gzipped(envelope("attachment", std::string_view(whole).substr(0, 34 * relay::kMiB)));
  large_body(places, report, "19 MiB of gzip, 34 decoded, accepted", "34 MiB, delivered",
             post(packed, "Content-Encoding: gzip\r\n"));
}

void fill(Bench& bench, std::string_view type, std::size_t count) {
  const std::string request = post(envelope(type, noise(2000)));
  bench.serve([&](std::uint16_t port) {
    bench::LocalPeer peer(port);
    for (std::size_t i = 0; i < count; ++i) peer.ask(request);
  });
}

void recovered(const Places& places, Report& report, std::size_t many) {
  const std::string folder = places.new_folder();
  {
    Bench bench(places.plain(), folder);
    bench.begin();
    fill(bench, "transaction", many);
    report.add("N of 2 KB, accepted", bench);
    bench.begin();
    bench.serve([&](std::uint16_t port) {
      bench::LocalPeer peer(port);
      for (const auto* path : {"/stats", "/metrics", "/"}) peer.ask(get(path));
    });
    report.add("N waiting, /stats, /metrics, /", bench);
    bench.begin();
    fill(bench, "event", many / 10);
    report.add("N waiting, N/10 evicted for others", bench);
  }
  Bench bench(places.plain(), folder);
  bench.begin();
  bench.relay().recover();
  bench.turn_until([&] { return bench.relay().snapshot().envelopes_waiting >= many; });
  report.add("N recovered", bench);
  bench.begin();
  bench.turn([&] {
    bench.relay().thawed();
    bench.relay().set_gate(relay::Gate::carried);
    static_cast<void>(bench.relay().work());
  });
  bench.turn([&] {
    bench.relay().set_gate(relay::Gate::late);
    static_cast<void>(bench.relay().work());
  });
  report.add("N waiting, an invoke begins and ends", bench);
  bench.begin();
  bench.relay().set_gate(relay::Gate::draining);
  bench.empty();
  report.add("N delivered", bench);
}

void limited(const Places& places, Report& report, std::size_t many) {
  Bench bench(places.limiting(), places.new_folder());
  fill(bench, "transaction", many);
  bench.begin();
  bench.relay().set_gate(relay::Gate::open);
  bench.empty();
  report.add("N waiting, upstream limits all", bench);
}

/// A full journal, of which every other record may go: the room for what comes is what is copied.
void crowded(const Places& places, Report& report) {
  const std::string noisy = noise(relay::kMiB);
  const auto some = [&](std::string_view type, std::size_t bytes) {
    return post(envelope(type, std::string_view(noisy).substr(0, bytes)));
  };
  Bench bench(places.plain(), places.new_folder());
  bench.serve([&](std::uint16_t port) {
    bench::LocalPeer peer(port);
    for (std::size_t i = 0; i < kManyOfSpool; ++i) {
      peer.ask(some("transaction", 16UL * 1024));
      peer.ask(some("event", 8UL * 1024));
    }
  });
  for (const std::size_t kib : {900UL, 200UL, 40UL, 4UL}) {
    bench.begin();
    bench.serve([&](std::uint16_t port) {
      bench::LocalPeer peer(port);
      for (std::size_t i = 0; i < 6UL * 1024 / kib; ++i) peer.ask(some("event", kib * 1024));
    });
    report.add((std::to_string(kib) + " KiB into a full journal").c_str(), bench);
  }
}

/// Of one large body a limit takes some.
void large_limited(const Places& places, Report& report) {
  Bench bench(places.limiting(), places.new_folder());
  bench.relay().set_gate(relay::Gate::open);
  fill(bench, "transaction", 1);
  bench.empty();
  bench.relay().set_gate(relay::Gate::closed);
  const std::string mixed =
      envelope("profile_chunk", noise(19 * relay::kMiB)) + envelope("transaction", "{}").substr(3);
  bench.serve([&](std::uint16_t port) { bench::LocalPeer(port).ask(post(mixed)); });
  bench.begin();
  bench.relay().set_gate(relay::Gate::open);
  bench.empty();
  report.add("19 MiB, a limit takes some of it", bench);
}

void trusted(const Places& places, Report& report) {
  Bench bench(places.tls(), places.new_folder(), places.far.ca_file());
  bench.relay().set_gate(relay::Gate::open);
  bench.begin();
  fill(bench, "event", 1);
  bench.empty();
  report.add("the first TLS delivery", bench);
}

void captured(const Places& places, Report& report) {
  asio::io_context io;
  relay::SystemClock clock(io.get_executor());
  relay::Capture capture({}, [](const relay::Captured&) {});
  relay::CaptureUpstream upstream(capture, clock);
  Bench bench(places.plain(), places.new_folder(), "", &upstream);
  bench.relay().show(capture);
  bench.relay().set_gate(relay::Gate::open);
  fill(bench, "event", 500);
  bench.empty();
  bench.begin();
  bench.serve([&](std::uint16_t port) {
    bench::LocalPeer peer(port);
    for (const auto* path : {"/captured", "/captured/3", "/"}) peer.ask(get(path));
  });
  report.add("500 captured, /captured and /", bench);
}

}  // namespace

int main(int argc, char** argv) {
  extension::set_allocator(relay::BacklogSettings{}.max_bytes);
  const bench::Arguments arguments({argv + 1, argv + argc});
  const auto place =
      std::filesystem::temp_directory_path() / ("thaw-turns-" + std::to_string(::getpid()));
  // Before any thread: it forks.
  const Places places{{}, place.string()};
  const std::size_t many = arguments.quick ? kMany / 10 : kMany;
  Report report(arguments.json.get(), many);
  large_bodies(places, report);
  trusted(places, report);
  captured(places, report);
  recovered(places, report, many);
  limited(places, report, many);
  crowded(places, report);
  large_limited(places, report);
  report.end();
  std::error_code ignored;
  std::filesystem::remove_all(place, ignored);
  return 0;
}
