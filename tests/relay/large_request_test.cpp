// A large request from its body to its answer, with the journal on a real disk: in no account
// before its record is whole, in one afterwards, whatever comes in between.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "proto/codec.hpp"
#include "relay/intake.hpp"
#include "relay/spool_journal.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/local_requests.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/temp_folder.hpp"

using relay::Answer;
using relay::DropReason;
using relay::LocalRequest;
using relay::RejectReason;
using support::kKey;

namespace {

constexpr std::size_t kMiB = 1024UL * 1024;

relay::RouteSettings one_dsn() {
  relay::RouteSettings settings;
  settings.configured = {support::dsn("https://" + kKey + "@up.example/42")};
  return settings;
}

std::string item(std::string_view type, std::size_t size) {
  return "{\"type\":\"" + std::string(type) + "\",\"length\":" + std::to_string(size) + "}\n" +
         support::noise(size) + "\n";
}

/// A crash and its dump.
std::string large_body(std::size_t size = 2 * kMiB) {
  return "{}\n" + item("event", 2) + item("attachment", size);
}

LocalRequest request(std::string_view body, std::string_view encoding = "",
                     std::string target = "/api/42/envelope/") {
  auto request = support::local_request(body, "Sentry sentry_key=" + kKey, std::move(target));
  support::set(request, &relay::RequestHeader::content_encoding, encoding);
  return request;
}

struct Bench {
  explicit Bench(std::uint64_t spool_bytes = 64 * kMiB, relay::BacklogSettings room = {})
      : journal({temp.path("spool"), spool_bytes}, disk, clock, log),
        backlog(room, journal, stats) {}

  ~Bench() { CHECK(stats.ledger.balances(backlog.waiting())); }

  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  bool ready(LocalRequest& request) {
    return !intake.takes_turns(request) || intake.ready(request, relay::Call(request.header));
  }

  Answer take(LocalRequest&& request) {
    const relay::Call call(request.header);
    return intake.take(std::move(request), call);
  }

  /// As the listener does it.
  Answer post(LocalRequest request) {
    for (turns = 1; !ready(request); ++turns) REQUIRE(turns < 10'000);
    return take(std::move(request));
  }

  Answer post(std::string_view body) { return post(request(body)); }

  std::size_t files() const {
    const std::filesystem::path folder = temp.path("spool");
    if (!exists(folder)) return 0;
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }

  std::uint64_t accepted_items() const { return stats.ledger.accepted().total(); }

  int turns = 0;
  int accepted = 0;
  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  support::TempFolder temp;
  support::FaultyDisk disk;
  relay::SpoolJournal journal;
  relay::Stats stats;
  relay::Backlog backlog;
  relay::Destinations destinations{8, relay::Compression::zstd, 3};
  relay::Intake intake{{8 * kMiB, false},
                       one_dsn(),
                       {clock, backlog, destinations, stats, [] { return std::uint16_t{9797}; },
                        [] { return relay::milliseconds{0}; }, [this] { ++accepted; },
                        [] { return std::uint64_t{7}; }}};
};

/// `turns` of it, and it is not ready yet.
void work_at(Bench& bench, LocalRequest& request, int turns) {
  for (int i = 0; i < turns; ++i) REQUIRE_FALSE(bench.ready(request));
}

}  // namespace

TEST_SUITE_BEGIN("relay/large_request");

TEST_CASE("a large request takes turns, and is accepted and answered when its record is whole") {
  const std::string body = large_body();
  for (const auto encoding : {proto::Encoding::identity, proto::Encoding::gzip}) {
    Bench bench;
    proto::Bytes wire = proto::Bytes::copy_of(body);
    if (encoding != proto::Encoding::identity) proto::encode(encoding, body, "", wire = {});
    auto sent = request(wire.view(), encoding == proto::Encoding::gzip ? "gzip" : "");
    int turns = 0;
    for (; !bench.ready(sent); ++turns) {
      REQUIRE(turns < 1000);
      CHECK(bench.backlog.size() == 0);
      CHECK(bench.accepted_items() == 0);
    }
    CHECK(turns > 8);
    CHECK(bench.accepted == 1);
    CHECK(bench.accepted_items() == 2);
    const Answer answer = bench.take(std::move(sent));
    CHECK(answer.status == 200);
    CHECK(bench.accepted_items() == 2);
    CHECK(bench.stats.bytes_in == wire.size());
    REQUIRE(bench.backlog.find(1) != nullptr);
    CHECK_FALSE(bench.backlog.find(1)->only_in_memory);
    const auto record = bench.journal.read(bench.backlog.find(1)->kept);
    REQUIRE(record.has_value());
    CHECK(record->body.view() == body);
  }
}

TEST_CASE("a usual request is ready at once") {
  Bench bench;
  CHECK(bench.post("{}\n" + item("event", 1000)).status == 200);
  CHECK(bench.turns == 1);
  CHECK(bench.post("{}\n" + item("attachment", kMiB - 100)).status == 200);
  CHECK(bench.turns == 1);
}

TEST_CASE("a large one of another endpoint keeps its method") {
  Bench bench;
  auto sent = request(support::noise(2 * kMiB), "", "/api/42/minidump/");
  support::set(sent, &relay::RequestHeader::content_type, "multipart/form-data; boundary=b");
  CHECK(bench.post(std::move(sent)).status == 200);
  CHECK(bench.turns > 8);
  const auto record = bench.journal.read(bench.backlog.find(1)->kept);
  REQUIRE(record.has_value());
  CHECK(record->head.meta->method == "POST");
  CHECK(record->head.meta->target == "minidump/");
}

TEST_CASE("a large one that is refused is told so, and nothing is written") {
  Bench bench;
  CHECK(bench.post("{}\n{\"type\":\"attachment\",\"length\":9}\n" + support::noise(2 * kMiB))
            .status == 400);
  CHECK(bench.stats.ledger.rejected(RejectReason::malformed) == 1);
  auto foreign = request(large_body());
  support::set(foreign, &relay::RequestHeader::x_sentry_auth,
               "Sentry sentry_key=" + support::kOtherKey);
  CHECK(bench.post(std::move(foreign)).status == 403);
  CHECK(bench.accepted == 0);
  CHECK(bench.files() == 0);
}

TEST_CASE("one that is given up in the middle was never here, and the turn is another's") {
  Bench bench;
  auto waits = request(large_body());
  auto packed = request({}, "gzip");
  proto::encode(proto::Encoding::gzip, large_body(), "", packed.body);
  {
    auto goes = request(large_body());
    work_at(bench, goes, 5);
    CHECK(bench.files() == 1);
    for (int i = 0; i < 20; ++i) {
      work_at(bench, waits, 1);
      work_at(bench, packed, 1);
    }
    CHECK(bench.files() == 1);
  }
  CHECK(bench.files() == 0);
  CHECK(bench.accepted_items() == 0);
  CHECK(bench.post(std::move(waits)).status == 200);
  CHECK(bench.post(std::move(packed)).status == 200);
  CHECK(bench.accepted == 2);
}

TEST_CASE("closed in the middle it is refused, and its half record goes") {
  Bench bench;
  auto sent = request(large_body());
  work_at(bench, sent, 5);
  bench.backlog.drop_all(DropReason::network_error);
  bench.intake.close();
  CHECK(bench.post(std::move(sent)).status == 503);
  CHECK(bench.stats.ledger.rejected(RejectReason::closing) == 1);
  CHECK(bench.files() == 0);
  CHECK(bench.backlog.size() == 0);
}

TEST_CASE("where the disk fails in the middle it is kept in memory, as a usual one") {
  for (const std::size_t failing : {1UL, 4UL, 9UL}) {
    CAPTURE(failing);
    Bench bench;
    bench.disk.full_from = failing;
    CHECK(bench.post(large_body()).status == 200);
    CHECK(bench.accepted == 1);
    CHECK(bench.files() == 0);
    REQUIRE(bench.backlog.find(1) != nullptr);
    CHECK(bench.backlog.find(1)->only_in_memory);
    CHECK(bench.backlog.find(1)->parcel->body() == large_body());
    CHECK(bench.journal.figures().write_failures == 1);
  }
}

TEST_CASE("neither disk nor memory: 503, and counted as full") {
  Bench bench(64 * kMiB, {.max_bytes = kMiB});
  bench.disk.full_from = 3;
  CHECK(bench.post(large_body()).status == 503);
  CHECK(bench.stats.ledger.rejected(RejectReason::full) == 1);
  CHECK(bench.accepted == 0);
}

TEST_CASE("what is less urgent goes for it, some a turn; what is as urgent does not") {
  Bench bench(8 * kMiB);
  constexpr std::size_t kUsual = 20'000;
  std::uint64_t filled = 0;
  while (bench.backlog.size() == filled) {
    // At the limit the oldest of the same kind stays: none is less urgent.
    if (bench.post("{}\n" + item("transaction", kUsual)).status != 200) break;
    ++filled;
  }
  CHECK(filled > 200);
  int turns = 0;
  auto sent = request(large_body());
  std::size_t waiting = bench.backlog.size();
  for (; !bench.ready(sent); ++turns) {
    REQUIRE(turns < 1000);
    CHECK(bench.backlog.size() + 64 >= waiting);
    waiting = bench.backlog.size();
  }
  CHECK(bench.post(std::move(sent)).status == 200);
  const auto evicted = bench.stats.ledger.dropped(DropReason::queue_overflow).total();
  CHECK(evicted >= 2 * kMiB / kUsual);
  CHECK(evicted < 4 * kMiB / kUsual);
  CHECK(bench.backlog.size() == filled - evicted + 1);
  // Nothing is less urgent than this one.
  CHECK(bench.post("{}\n" + item("replay_video", 3 * kMiB)).status == 503);
  CHECK(bench.stats.ledger.dropped(DropReason::queue_overflow).total() == evicted);
}

TEST_CASE("where the journal has to make room a usual one takes turns, too, and not for longer") {
  Bench bench(16 * kMiB);
  const auto evicted = [&] {
    return bench.stats.ledger.dropped(DropReason::queue_overflow).total();
  };
  // What may go lies among what may not: the room is made by copying.
  for (int i = 0; evicted() == 0; ++i) {
    bench.post("{}\n" + item(i % 2 == 0 ? "session" : "event", 20'000));
  }
  auto sent = request("{}\n" + item("event", 900'000));
  std::size_t most = 0;  // records moved or marked in one turn
  int turns = 0;
  for (bool ready = false; !ready; ++turns) {
    REQUIRE(turns < 1000);
    const std::size_t before = bench.disk.writes;
    ready = bench.ready(sent);
    most = std::max(most, bench.disk.writes - before);
  }
  CHECK(turns > 5);
  CHECK(most < 70);
  CHECK(bench.take(std::move(sent)).status == 200);
  CHECK(evicted() * 20'000 < 2 * kMiB);
  bench.backlog.drop_all(DropReason::queue_overflow);
  CHECK(bench.post("{}\n" + item("event", 20'000)).status == 200);
  CHECK_FALSE(bench.intake.takes_turns(request("{}\n" + item("event", 20'000))));
}

TEST_CASE("without a journal it is accepted at once") {
  relay::NoJournal none;
  relay::Stats stats;
  relay::Backlog backlog({}, none, stats);
  relay::Destinations destinations{8, relay::Compression::zstd, 3};
  Bench bench;
  relay::Intake intake(
      {8 * kMiB, false}, one_dsn(),
      {bench.clock, backlog, destinations, stats, [] { return std::uint16_t{9797}; },
       [] { return relay::milliseconds{0}; }, [] {}, [] { return std::uint64_t{7}; }});
  auto sent = request(large_body());
  const relay::Call call(sent.header);
  int turns = 0;
  while (!intake.ready(sent, call)) REQUIRE(++turns < 10);
  CHECK(intake.take(std::move(sent), call).status == 200);
  CHECK(backlog.size() == 1);
  CHECK(stats.ledger.balances(backlog.waiting()));
}

TEST_SUITE_END();
