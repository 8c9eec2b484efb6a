// What counting costs whoever hands an envelope over, and what it costs to look at the counts.
// Usage: bench_views               how long each view takes to make with everything in it that may
// be, a table
//        bench_views accept|count  NUMBER envelopes accepted, or their counting alone: for an
//                                  instruction counter, see views.py
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "proto/number.hpp"
#include "relay/intake.hpp"
#include "relay/metrics.hpp"
#include "relay/page.hpp"
#include "relay/stats_json.hpp"
#include "tests/support/local_requests.hpp"

namespace {

using proto::Category;

const std::string kKey = "abcdef0123456789abcdef0123456789";
constexpr std::size_t kPayload = 1000;

proto::CategoryCounts one_of_each() {
  proto::CategoryCounts counts;
  for (const Category each : proto::all_categories()) counts.add(each, 12'345);
  return counts;
}

void fill(relay::Stats& stats) {
  const auto items = one_of_each();
  stats.ledger.accept(items);
  stats.ledger.recover(items);
  stats.ledger.deliver(items);
  for (std::size_t i = 0; i < relay::kDropReasonCount; ++i) {
    stats.ledger.drop(static_cast<relay::DropReason>(i), items);
  }
  for (std::size_t i = 0; i < relay::kRejectReasonCount; ++i) {
    stats.ledger.reject(static_cast<relay::RejectReason>(i));
  }
  for (const unsigned status : {400U, 401U, 403U, 404U, 413U, 429U}) {
    stats.ledger.refuse(status, items);
  }
  for (const auto bound : relay::Histogram::kBounds) {
    stats.accept_time.add(bound);
    stats.answer_time.add(bound);
  }
  stats.envelopes_accepted = 10'000;
}

void fill(relay::HostFigures& host, relay::WallTime now) {
  host.invokes = 1000;
  for (const auto* what : {"telemetry", "delivery", "probe"}) {
    host.held.push_back({what, 12, relay::milliseconds{345}});
  }
  for (int i = 0; i < 16; ++i) {
    host.recent.push_back({"8f5cb06d-7a5a-4b8c-9a86-7f8f0a1c2d3e", now, now, now,
                           relay::milliseconds{25}, "delivery", 1, 1});
  }
  for (int i = 0; i < 34; ++i) {
    host.settings.push_back({"THAW_SETTING_" + std::to_string(i), "/a/value/of/some/length", true});
  }
}

/// Fifty upstream hosts, each with a limit in each category, and every reason there is.
relay::Snapshot everything() {
  relay::Snapshot all;
  all.now = relay::WallTime{std::chrono::seconds{1'795'456'800}};
  all.started = all.now - std::chrono::hours{1};
  fill(all.stats);
  fill(all.host, all.now);
  all.waiting = one_of_each();
  all.envelopes_waiting = 10'000;
  for (int i = 0; i < 50; ++i) {
    const std::string host = "o" + std::to_string(i) + ".ingest.us.sentry.io";
    all.hosts.push_back({"https://" + host + ":443", true, relay::milliseconds{1000}});
    for (const Category each : proto::all_categories()) {
      all.limits.push_back(
          {"https://abcd…@" + host + "/42", std::string(name(each)), std::chrono::seconds{60}});
    }
  }
  return all;
}

/// Of this process: what else the machine does is not in it.
double processor_ms() {
  std::timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

void time_view(const char* name, const std::function<std::string()>& make) {
  std::vector<double> times;
  std::size_t size = 0;
  for (int round = 0; round < 101; ++round) {
    const auto begun = processor_ms();
    size = make().size();
    times.push_back(processor_ms() - begun);
  }
  std::ranges::sort(times);
  std::printf("| `%s` | %.2f | %.2f | %zu |\n", name, times[times.size() / 2], times.back(),
              size / 1024);
}

void time_views() {
  const relay::Snapshot all = everything();
  std::puts(
      "| view, 50 hosts, all reasons and limits | CPU ms, median | longest of 101 | KiB |\n"
      "|---|---|---|---|");
  time_view("/stats", [&] { return relay::to_json(all); });
  time_view("/metrics", [&] { return relay::to_openmetrics(all); });
  time_view("/", [&] { return relay::to_page(all); });
}

relay::RouteSettings one_dsn() {
  relay::RouteSettings settings;
  settings.configured = {*proto::parse_dsn("https://" + kKey + "@up.example/42")};
  return settings;
}

std::string envelope() {
  return "{}\n{\"type\":\"event\",\"length\":" + std::to_string(kPayload) + "}\n" +
         std::string(kPayload, 'x');
}

/// From a whole request to its verdict: what relay.cpp does with one, without sockets and journal.
void accept_all(int envelopes, relay::Clock& clock, relay::Stats& stats) {
  relay::NoJournal journal;
  relay::Backlog backlog({}, journal, stats);
  relay::Destinations destinations(4, relay::Compression::zstd, 3);
  relay::Intake intake(
      {40 * relay::kMiB}, one_dsn(),
      {clock, backlog, destinations, stats, [] { return std::uint16_t{9797}; },
       [] { return relay::milliseconds{0}; }, [] {}, [] { return std::uint64_t{0}; }});
  const std::string body = envelope();
  for (int i = 0; i < envelopes; ++i) {
    auto request = support::local_request(body, "Sentry sentry_key=" + kKey);
    const relay::Call call(request.header);
    const auto begun = clock.now();
    if (intake.take(std::move(request), call).status != 200) std::abort();
    stats.accept_time.add(clock.now() - begun);
  }
}

/// What of it is counting: the same figures come out.
void count_all(int envelopes, relay::Clock& clock, relay::Stats& stats) {
  proto::CategoryCounts items;
  items.add(Category::error);
  const std::size_t size = envelope().size();
  for (int i = 0; i < envelopes; ++i) {
    const auto begun = clock.now();
    stats.bytes_in += size;
    stats.ledger.accept(items);
    ++stats.envelopes_accepted;
    ++stats.urgent_accepted;
    stats.accept_time.add(clock.now() - begun);
    // Nothing is put off until after the loop.
    asm volatile("" : : "g"(&stats) : "memory");
  }
}

/// All but how long each took.
std::string figures(relay::Stats stats) {
  relay::Snapshot snapshot;
  if (stats.accept_time.count() == 0) std::abort();
  stats.accept_time = {};
  snapshot.stats = stats;
  return relay::to_json(snapshot);
}

bool counts_the_same(relay::Clock& clock) {
  relay::Stats accepted;
  relay::Stats counted;
  accept_all(3, clock, accepted);
  count_all(3, clock, counted);
  return figures(accepted) == figures(counted) &&
         accepted.accept_time.count() == counted.accept_time.count();
}

}  // namespace

int main(int argc, char** argv) {
  boost::asio::io_context io;
  relay::SystemClock clock(io.get_executor());
  if (!counts_the_same(clock)) {
    std::fputs("bench_views: accepting counts what this program does not know of\n", stderr);
    return 1;
  }
  if (argc < 3) {
    time_views();
    return 0;
  }
  const auto envelopes = proto::parse_number<int>(argv[2]);
  if (!envelopes) return 2;
  relay::Stats stats;
  (argv[1] == std::string_view("accept") ? accept_all : count_all)(*envelopes, clock, stats);
  return 0;
}
