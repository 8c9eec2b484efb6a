// How each cost grows: with the envelopes that wait, with the size of a body, with connections,
// with DSNs. The real parts in one process. CPU time of the thread for one unit, the best of some
// rounds, and the exponent of a fit through the sizes: 0 means that a unit costs the same however
// many there are, so that the whole is a straight line; 1, that the whole is a square. Prints
// Markdown tables. Usage: bench_growth [--quick] [--json FILE]
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <unistd.h>

#include "relay/delivery.hpp"
#include "relay/disk.hpp"
#include "relay/intake.hpp"
#include "relay/listener.hpp"
#include "relay/spool_journal.hpp"
#include "tests/bench/arguments.hpp"
#include "tests/bench/local_peer.hpp"
#include "tests/bench/turn_meter.hpp"
#include "tests/support/local_requests.hpp"

namespace {

namespace asio = boost::asio;
using relay::milliseconds;

constexpr std::size_t kBody = 2000;
constexpr std::size_t kBatch = 50;  // units that are measured together

class NoLines final : public relay::LogSink {
 public:
  bool write(std::string_view) override { return true; }
};

std::uint64_t no_bits() { return 7; }

std::string key(std::size_t number) {
  std::array<char, 33> text{};
  std::snprintf(text.data(), text.size(), "%032zx", number + 1);
  return text.data();
}

std::string envelope(std::string_view type, std::size_t size) {
  return "{}\n{\"type\":\"" + std::string(type) + "\",\"length\":" + std::to_string(size) + "}\n" +
         std::string(size, 'x') + "\n";
}

/// Answers at once, or keeps everybody waiting.
class NearUpstream final : public relay::Upstream {
 public:
  bool answers = true;

  asio::awaitable<proto::Result<relay::UpstreamAnswer>> send(
      const relay::UpstreamRequest&, relay::SendProgress& progress) override {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    progress.fully_written = true;
    relay::UpstreamAnswer answer;
    answer.status = 200;
    co_return answer;
  }

  void warm(const relay::Endpoint&) override {}

  void forget() override {}

  void forget_names() override {}
};

relay::RouteSettings routes(std::size_t dsns) {
  relay::RouteSettings settings;
  settings.max_dsns = dsns;
  for (std::size_t i = 0; i < dsns; ++i) {
    settings.configured.push_back(*proto::parse_dsn("https://" + key(i) + "@up.example/42"));
  }
  return settings;
}

/// What is behind the port, and its loop. Nothing leaves before the gate is opened.
class Parts {
 public:
  struct Wanted {
    std::size_t dsns = 1;
    std::size_t max_waiting = 20'000;
    std::string folder{};  ///< of the journal; "": none
  };

  explicit Parts(const Wanted& wanted)
      : spool_({wanted.folder}, disk_, clock_, log_),
        backlog_({wanted.max_waiting, 64 * relay::kMiB}, journal(wanted), stats_),
        destinations_(wanted.dsns, relay::Compression::zstd, 3),
        delivery_(io_.get_executor(), {},
                  {clock_, log_, upstream_, backlog_, destinations_, stats_, changed_, no_bits}),
        intake_({40 * relay::kMiB}, routes(wanted.dsns),
                {clock_, backlog_, destinations_, stats_, [] { return std::uint16_t{9797}; },
                 [this] { return delivery_.awake(); }, [this] { delivery_.accepted(); }, no_bits}),
        tasks_(io_.get_executor(), [](const std::exception_ptr&) { std::abort(); }) {
    tasks_.spawn(delivery_.run());
    turn();
  }

  ~Parts() {
    delivery_.stop();
    tasks_.stop();
    turn();
  }

  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  /// Through the intake, and no further.
  void accept(const std::string& body, std::size_t dsn = 0) {
    auto request = support::local_request(body, "Sentry sentry_key=" + key(dsn));
    const relay::Call call(request.header);
    if (intake_.take(std::move(request), call).status != 200) std::abort();
  }

  void fill(std::size_t count, std::string_view type = "transaction", std::size_t dsns = 1) {
    const std::string body = envelope(type, kBody);
    for (std::size_t i = 0; i < count; ++i) accept(body, i % dsns);
    turn();
  }

  /// Everything that can happen without time passing.
  void turn() {
    if (io_.stopped()) io_.restart();
    while (io_.poll() > 0) {
    }
  }

  void deliver_all() {
    delivery_.set_gate(relay::Gate::draining);
    while (backlog_.size() > 0) turn();
  }

  std::size_t recover() {
    while (spool_.recover_some([this](relay::JournalId kept, relay::Record record) {
      intake_.recover(kept, std::move(record));
    })) {
    }
    return backlog_.size();
  }

  relay::Backlog& backlog() { return backlog_; }

  relay::Delivery& delivery() { return delivery_; }

 private:
  relay::Journal& journal(const Wanted& wanted) {
    if (wanted.folder.empty()) return none_;
    return spool_;
  }

  asio::io_context io_{1};
  relay::SystemClock clock_{io_.get_executor()};
  NoLines lines_;
  relay::Log log_{{}, lines_, clock_};
  relay::Stats stats_;
  relay::SystemDisk disk_;
  relay::SpoolJournal spool_;
  relay::NoJournal none_;
  NearUpstream upstream_;
  relay::Wakeup changed_{io_.get_executor()};
  relay::Backlog backlog_;
  relay::Destinations destinations_;
  relay::Delivery delivery_;
  relay::Intake intake_;
  relay::TaskGroup tasks_;
};

std::filesystem::path scratch() {
  return std::filesystem::temp_directory_path() / ("thaw-growth-" + std::to_string(::getpid()));
}

std::string new_folder() {
  std::filesystem::remove_all(scratch());
  return scratch().string();
}

/// Microseconds a unit of `work`, which is `units` of them.
double cost(std::size_t units, const std::function<void()>& work) {
  const double begun = bench::cpu_ms();
  work();
  return 1000 * (bench::cpu_ms() - begun) / static_cast<double>(units);
}

using Sizes = std::vector<std::size_t>;
/// Microseconds for one unit, where there are `size`.
using Measure = std::function<double(std::size_t size)>;

/// Of a line through the logarithms.
double exponent(const Sizes& sizes, const std::vector<double>& costs) {
  double sx = 0;
  double sy = 0;
  double sxx = 0;
  double sxy = 0;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double x = std::log(static_cast<double>(sizes[i]));
    const double y = std::log(std::max(costs[i], 1e-3));
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const auto n = static_cast<double>(sizes.size());
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

class Report {
 public:
  Report(std::FILE* json, int rounds) : json_(json), rounds_(rounds) {
    std::puts(
        "## Growth\n\nCPU time of one unit in µs, the best of some rounds, and the exponent of a "
        "fit: 0 is a straight line for the whole, 1 a square, below 0 better than a line. A "
        "question may look at all that waits: its line is straight up to 1.");
  }

  void table(const char* title, const Sizes& sizes) {
    sizes_ = sizes;
    std::printf("\n### %s\n\n| one |", title);
    for (const auto size : sizes) std::printf(" %zu |", size);
    std::printf(" exponent |\n|---|");
    for (std::size_t i = 0; i <= sizes.size(); ++i) std::printf("---:|");
    std::printf("\n");
  }

  /// `straight`: the exponent of a straight line: 1 where a unit looks at all there is.
  void row(const char* what, const Measure& measure, double straight = 0) {
    std::vector<double> best(sizes_.size(), std::numeric_limits<double>::max());
    for (int round = 0; round < rounds_; ++round) {
      for (std::size_t i = 0; i < sizes_.size(); ++i)
        best[i] = std::min(best[i], measure(sizes_[i]));
    }
    std::printf("| %s |", what);
    for (const double one : best) std::printf(" %.2f |", one);
    const double slope = exponent(sizes_, best);
    std::printf(" %+.2f |\n", slope);
    std::fflush(stdout);
    if (slope > straight + kTolerance) steep_ += (steep_.empty() ? "" : "; ") + std::string(what);
    if (json_ == nullptr) return;
    std::fprintf(json_, "%s{\"what\":\"%s\",\"exponent\":%.3f,\"us\":{",
                 std::exchange(first_, false) ? "{\"costs\":[" : ",\n", what, slope);
    for (std::size_t i = 0; i < sizes_.size(); ++i) {
      std::fprintf(json_, "%s\"%zu\":%.3f", i == 0 ? "" : ",", sizes_[i], best[i]);
    }
    std::fputs("}}", json_);
  }

  void end() {
    if (json_ != nullptr) std::fputs("],\n", json_);
    bench::promise(json_, "each cost against envelopes, body size, DSNs, connections",
                   "a straight line or better", steep_.empty() ? "all are" : "not: " + steep_,
                   steep_.empty());
    if (json_ != nullptr) std::fputs("}\n", json_);
  }

 private:
  /// Caches that overflow and logarithms: ten times as many may cost 1.8 times as much each.
  static constexpr double kTolerance = 0.25;

  std::FILE* json_;
  int rounds_;
  std::string steep_;
  Sizes sizes_;
  bool first_ = true;
};

/// 50 more where `size` wait already. `looked`: each with the sender's look at what waits.
Measure accepting(bool journal, bool looked) {
  return [=](std::size_t size) {
    Parts parts({.folder = journal ? new_folder() : ""});
    parts.fill(size);
    const std::string body = envelope("event", kBody);
    return cost(kBatch, [&] {
      for (std::size_t i = 0; i < kBatch; ++i) {
        parts.accept(body);
        if (looked) parts.turn();
      }
    });
  };
}

void envelopes(Report& report, bool quick) {
  report.table("With the envelopes that wait, 2 KB each",
               quick ? Sizes{100, 1000} : Sizes{100, 1000, 10'000});
  report.row("accepted, no journal", accepting(false, false));
  report.row("accepted, journal", accepting(true, false));
  report.row("accepted, and looked at by the sender", accepting(false, true));
  report.row("settled, journal", [](std::size_t size) {
    Parts parts({.folder = new_folder()});
    parts.fill(size);
    return cost(kBatch, [&] {
      for (std::size_t i = 1; i <= kBatch; ++i) parts.backlog().deliver(i);
    });
  });
  report.row("evicted for another, at the limit, journal", [](std::size_t size) {
    Parts parts({.max_waiting = size, .folder = new_folder()});
    parts.fill(size);
    const std::string body = envelope("event", kBody);
    return cost(kBatch, [&] {
      for (std::size_t i = 0; i < kBatch; ++i) parts.accept(body);
    });
  });
  report.row("recovered", [](std::size_t size) {
    const std::string folder = new_folder();
    {
      Parts(Parts::Wanted{.folder = folder}).fill(size);
    }
    Parts parts({.folder = folder});
    return cost(size, [&] {
      if (parts.recover() != size) std::abort();
    });
  });
  report.row("delivered at the end, of all that wait", [](std::size_t size) {
    Parts parts({});
    parts.fill(size);
    return cost(size, [&] { parts.deliver_all(); });
  });
  const Measure question = [](std::size_t size) {
    Parts parts({});
    parts.fill(size);
    return cost(10, [&] {
      for (int i = 0; i < 10; ++i) static_cast<void>(parts.delivery().work());
    });
  };
  report.row("question what is left to do", question, 1);
  const Measure invoke = [](std::size_t size) {
    Parts parts({});
    parts.fill(size);
    return cost(10, [&] {
      for (int i = 0; i < 10; ++i) {
        parts.delivery().thawed();
        parts.delivery().set_gate(relay::Gate::closed);
        parts.turn();
      }
    });
  };
  report.row("invoke begun and ended", invoke);
}

void sizes(Report& report, bool quick) {
  const Sizes kib = quick ? Sizes{1, 10, 100} : Sizes{1, 10, 100, 1000, 10'000};
  report.table("With the size of a body, in KB: a unit is a KB", kib);
  for (const bool journal : {false, true}) {
    report.row(journal ? "accepted, journal" : "accepted, no journal", [=](std::size_t size) {
      Parts parts({.folder = journal ? new_folder() : ""});
      const std::string body = envelope("attachment", size * 1000);
      return cost(size, [&] { parts.accept(body); });
    });
  }
  report.row("delivered, zstd", [](std::size_t size) {
    Parts parts({});
    parts.accept(envelope("attachment", size * 1000));
    return cost(size, [&] { parts.deliver_all(); });
  });
}

void dsns(Report& report) {
  report.table("With the DSNs in use, 1,000 envelopes wait", {1, 8, 32, 1000});
  report.row("accepted, no journal", [](std::size_t size) {
    Parts parts({.dsns = size});
    parts.fill(1000, "transaction", size);
    const std::string body = envelope("event", kBody);
    return cost(kBatch, [&] {
      for (std::size_t i = 0; i < kBatch; ++i) parts.accept(body, (i * 37) % size);
    });
  });
  report.row("delivered at the end", [](std::size_t size) {
    Parts parts({.dsns = size});
    parts.fill(1000, "transaction", size);
    return cost(1000, [&] { parts.deliver_all(); });
  });
}

/// Requests one after the other, over all connections in turn; the sockets' work is in it.
double asked(std::size_t connections) {
  constexpr std::size_t kRequests = 1024;
  asio::io_context io{1};
  relay::SystemClock clock(io.get_executor());
  NoLines lines;
  relay::Log log({}, lines, clock);
  relay::Listener::Hooks hooks;
  hooks.answer = [](relay::LocalRequest) { return relay::Answer{200, "{}"}; };
  hooks.first_byte = hooks.changed = [] {};
  hooks.unanswerable = [](relay::RejectReason) {};
  hooks.failed = [](const std::exception_ptr&) { std::abort(); };
  relay::Listener listener(io.get_executor(), clock, log, {.port = 0}, hooks);
  const std::uint16_t port = listener.bind();
  listener.start();
  std::atomic<bool> done = false;
  std::thread client([&] {
    const std::string request =
        "POST /api/42/envelope/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2000\r\n\r\n" +
        std::string(kBody, 'x');
    std::vector<std::unique_ptr<bench::LocalPeer>> peers;
    peers.reserve(connections);
    for (std::size_t i = 0; i < connections; ++i) {
      peers.push_back(std::make_unique<bench::LocalPeer>(port));
    }
    for (std::size_t i = 0; i < kRequests; ++i) peers[i % connections]->ask(request);
    done = true;
  });
  const double took = cost(kRequests, [&] {
    while (!done) io.run_one_for(milliseconds{20});
  });
  client.join();
  listener.close();
  listener.stop();
  io.poll();
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments({argv + 1, argv + argc});
  Report report(arguments.json.get(), arguments.quick ? 2 : 5);
  envelopes(report, arguments.quick);
  sizes(report, arguments.quick);
  dsns(report);
  report.table("With the local connections, a request of 2 KB over each in turn", {1, 8, 64, 128});
  report.row("answered", asked);
  report.end();
  std::error_code ignored;
  std::filesystem::remove_all(scratch(), ignored);
  return 0;
}
