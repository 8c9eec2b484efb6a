// What the journal costs on the accept path: the same envelopes through the same intake, with and
// without it, in turns, so that whatever else the machine does meets both. Prints a Markdown table.
// Usage: bench_journal [--quick] [--json FILE]; the journal's place is below TMPDIR.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <unistd.h>

#include "relay/disk.hpp"
#include "relay/intake.hpp"
#include "relay/spool_journal.hpp"
#include "tests/bench/arguments.hpp"
#include "tests/support/local_requests.hpp"

namespace {

using Microseconds = std::chrono::duration<double, std::micro>;

const std::string kKey = "abcdef0123456789abcdef0123456789";
constexpr int kRounds = 101;
constexpr int kQuickRounds = 31;
constexpr int kPerRound = 100;  // of the largest, what the memory for bodies holds

class NoLines final : public relay::LogSink {
 public:
  bool write(std::string_view) override { return true; }
};

relay::RouteSettings one_dsn() {
  relay::RouteSettings settings;
  settings.configured = {*proto::parse_dsn("https://" + kKey + "@up.example/42")};
  return settings;
}

/// An intake and what stands behind it; what it accepts is settled when the round is over.
class Path {
 public:
  Path(boost::asio::io_context& io, relay::Journal& journal)
      : clock_(io.get_executor()),
        backlog_({}, journal, stats_),
        destinations_(4, relay::Compression::zstd, 3),
        intake_({40 * relay::kMiB}, one_dsn(),
                {clock_, backlog_, destinations_, stats_, [] { return std::uint16_t{9797}; },
                 [] { return relay::milliseconds{0}; }, [] {}, [] { return std::uint64_t{0}; }}) {}

  /// Microseconds to accept one envelope, and to settle it.
  std::array<double, 2> round(const std::string& body) {
    std::vector<relay::LocalRequest> requests;
    requests.reserve(kPerRound);
    for (int i = 0; i < kPerRound; ++i) {
      requests.push_back(support::local_request(body, "Sentry sentry_key=" + kKey));
    }
    const relay::Call call(requests.front().header);
    const auto begun = std::chrono::steady_clock::now();
    for (auto& request : requests) {
      if (intake_.take(std::move(request), call).status != 200) std::abort();
    }
    const auto accepted = std::chrono::steady_clock::now();
    for (int i = 0; i < kPerRound; ++i) backlog_.deliver(++last_);
    const auto settled = std::chrono::steady_clock::now();
    return {Microseconds(accepted - begun).count() / kPerRound,
            Microseconds(settled - accepted).count() / kPerRound};
  }

 private:
  relay::SystemClock clock_;
  relay::Stats stats_;
  relay::Backlog backlog_;
  relay::Destinations destinations_;
  relay::Intake intake_;
  std::uint64_t last_ = 0;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void compare(std::size_t size, int rounds, Path& without, Path& with, std::FILE* json) {
  const std::string payload(size, 'x');
  const std::string body =
      "{}\n{\"type\":\"event\",\"length\":" + std::to_string(size) + "}\n" + payload;
  std::array<std::vector<double>, 4> times;
  for (int round = 0; round < rounds; ++round) {
    const auto memory = without.round(body);
    const auto journal = with.round(body);
    times[0].push_back(memory[0]);
    times[1].push_back(journal[0]);
    times[2].push_back(memory[1]);
    times[3].push_back(journal[1]);
  }
  const double memory = median(times[0]);
  const double journal = median(times[1]);
  std::printf("| %zu KB | %.1f | %.1f | +%.1f | %.1f | %.1f |\n", size / 1000, memory, journal,
              journal - memory, median(times[2]), median(times[3]));
  if (json == nullptr) return;
  std::fprintf(json, ",\"%zu KB\":{\"accept_us\":%.2f,\"accept_with_journal_us\":%.2f}",
               size / 1000, memory, journal);
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Arguments arguments({argv + 1, argv + argc});
  const auto folder =
      std::filesystem::temp_directory_path() / ("thaw-bench-" + std::to_string(::getpid()));
  boost::asio::io_context io;
  relay::SystemClock clock(io.get_executor());
  NoLines lines;
  relay::Log log({}, lines, clock);
  relay::SystemDisk disk;
  relay::SpoolJournal spool({folder, 64 * relay::kMiB}, disk, clock, log);
  relay::NoJournal none;
  std::FILE* json = arguments.json.get();
  // What it may cost is promised of the whole accept path: accept.py.
  if (json != nullptr) std::fputs("{\"promises\":[]", json);
  std::puts(
      "## The journal on the accept path\n\n"
      "| body | accept, memory only (µs) | accept, journal (µs) | difference (µs) | settle, memory "
      "(µs) | settle, journal (µs) |\n"
      "|---|---|---|---|---|---|");
  for (const std::size_t size : {1000U, 10'000U, 100'000U}) {
    Path without(io, none);
    Path with(io, spool);
    compare(size, arguments.quick ? kQuickRounds : kRounds, without, with, json);
  }
  if (json != nullptr) std::fputs("}\n", json);
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  return spool.figures().write_failures == 0 ? 0 : 1;
}
