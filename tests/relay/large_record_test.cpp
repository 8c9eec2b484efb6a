// A large record on its way into the journal, some a turn: whatever comes between two of them, it
// is there whole or not at all. "Killed" is a copy of the folder as it is at that moment.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "relay/errc.hpp"
#include "relay/journal_format.hpp"
#include "relay/spool_journal.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/records.hpp"
#include "tests/support/temp_folder.hpp"

namespace fs = std::filesystem;
using relay::Errc;
using relay::JournalId;
using Keeping = std::unique_ptr<relay::Journal::Keeping>;
using Names = std::vector<std::string>;

namespace {

constexpr std::uint64_t kMiB = 1024ULL * 1024;
constexpr std::size_t kStep = 1000;

struct Bench {
  explicit Bench(std::uint64_t max_bytes_in = 64 * kMiB, std::uint64_t max_record_in = 41 * kMiB)
      : max_bytes(max_bytes_in), max_record(max_record_in) {}

  Keeping begin(std::string&& body) = delete;  // it outlives what is returned

  Keeping begin(const std::string& body) { return journal.begin(support::record_head(), body); }

  /// To its end, or until the journal says why not.
  proto::Result<JournalId> finish(Keeping& keeping) {
    for (int steps = 0;;) {
      if (auto result = keeping->step(kStep)) return *result;
      REQUIRE(++steps < 100'000);
    }
  }

  JournalId kept(const std::string& body) { return support::kept(journal, body); }

  std::string body_of(JournalId id) { return support::body_of(journal, id); }

  Names files() const { return temp.names("spool"); }

  std::uint64_t max_bytes;
  std::uint64_t max_record;
  boost::asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  support::TempFolder temp;
  support::FaultyDisk disk;
  relay::SpoolJournal journal{{temp.path("spool"), max_bytes, max_record, 0}, disk, clock, log};
};

/// The process after one that was killed right now.
struct Next : Bench {
  explicit Next(const Bench& killed) : Bench(killed.max_bytes, killed.max_record) {
    fs::copy(killed.temp.path("spool"), temp.path("spool"));
    fs::permissions(temp.path("spool"), fs::perms::owner_all);
    while (journal.recover_some([&](JournalId id, relay::Record record) {
      support::check_same(record.head, support::record_head());
      bodies.emplace_back(record.body.view());
      ids.push_back(id);
    })) {
      REQUIRE(++slices < 10'000);
    }
  }

  Names bodies;
  std::vector<JournalId> ids;
  int slices = 0;
};

}  // namespace

TEST_SUITE_BEGIN("relay/large_record");

TEST_CASE("written some at a time it is the record that it would be at once, whatever its size") {
  for (const std::size_t size : {0UL, 1UL, 999UL, 1000UL, 1001UL, 2000UL, 4321UL, 4325UL}) {
    CAPTURE(size);
    Bench bench;
    const std::string body = support::noise(size);
    auto keeping = bench.begin(body);
    const auto id = bench.finish(keeping);
    REQUIRE(id.has_value());
    keeping.reset();
    CHECK(bench.body_of(*id) == body);
    CHECK(bench.journal.figures().durable);
    CHECK(bench.journal.figures().bytes == fs::file_size(bench.temp.path("spool/00000001.seg")));
    const Next next(bench);
    CHECK(next.bodies == Names{body});
    CHECK(next.journal.figures().skipped_bytes == 0);
    bench.journal.release(*id);
    CHECK(bench.files().empty());
  }
}

TEST_CASE("of one that was killed between two turns a restart finds nothing, and leaves nothing") {
  Bench bench;
  const auto usual = bench.kept("usual");
  // It holds what a scan would take for a record, wherever it begins to look.
  std::string body = support::noise(3000);
  for (int i = 0; i < 8; ++i) {
    body += 'x' + relay::encode_envelope(7, support::record_head(), "forged") + "forged";
  }
  auto keeping = bench.begin(body);
  int turns = 0;
  for (;; ++turns) {
    Next next(bench);
    CHECK(next.bodies == Names{"usual"});
    CHECK(next.files() == Names{"00000001.seg"});
    CHECK(next.journal.figures().skipped_bytes == 0);
    CHECK(next.journal.figures().bytes == fs::file_size(next.temp.path("spool/00000001.seg")));
    const auto result = keeping->step(kStep);
    if (!result) continue;
    REQUIRE(result->has_value());
    break;
  }
  CHECK(turns >= 5);
  CHECK(Next(bench).bodies.size() == 2);
  CHECK(bench.body_of(usual) == "usual");
}

TEST_CASE("what moves to make its room stays in files that a restart takes for ours") {
  Bench bench(kMiB, 64UL * 1024);
  Names expected;
  for (int file = 0; file < 15; ++file) {
    std::vector<JournalId> settled;
    for (int i = 0; i < 56; ++i) {
      const std::string body = std::to_string(file * 100 + i) + std::string(800, '.');
      const auto id = bench.kept(body);
      if (i % 8 == 0) {
        settled.push_back(id);
      } else {
        expected.push_back(body);
      }
    }
    for (const auto id : settled) bench.journal.release(id);
    // What comes after a large one goes into a newer file.
    const std::string small = "x";
    auto keeping = bench.begin(small);
    const auto id = bench.finish(keeping);
    REQUIRE(id.has_value());
    bench.journal.release(*id);
  }
  const std::string large = support::noise(60'000);
  auto keeping = bench.begin(large);
  REQUIRE(bench.finish(keeping).has_value());
  expected.push_back(large);
  Next next(bench);
  std::ranges::sort(next.bodies);
  std::ranges::sort(expected);
  CHECK(next.bodies.size() == expected.size());
  CHECK((next.bodies == expected));
  CHECK(next.lines.lines.empty());
}

TEST_CASE("while room is made, whenever it is killed, nothing is lost and nothing comes twice") {
  Bench bench(80'000);
  std::vector<JournalId> ids;
  Names expected;
  while (const auto id = bench.journal.keep(support::record_head(),
                                            std::to_string(ids.size()) + std::string(800, '.'))) {
    ids.push_back(*id);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % 3 == 0) {
      bench.journal.release(ids[i]);
    } else {
      expected.push_back(bench.body_of(ids[i]));
    }
  }
  std::ranges::sort(expected);
  const std::string body = support::noise(3 * kStep);
  auto keeping = bench.begin(body);
  int turns = 0;
  for (; !keeping->step(kStep); ++turns) {
    // One of what was still to move meets its fate meanwhile.
    if (turns == 2) {
      bench.journal.release(ids[7]);
      std::erase(expected, "7" + std::string(800, '.'));
    }
    Next next(bench);
    std::ranges::sort(next.bodies);
    CHECK((next.bodies == expected));
  }
  CHECK(turns > 6);
}

TEST_CASE("carried off with its folder in the middle it is not acknowledged") {
  Bench bench;
  const std::string body = support::noise(4000);
  auto keeping = bench.begin(body);
  for (int i = 0; i < 2; ++i) REQUIRE_FALSE(keeping->step(kStep).has_value());
  fs::rename(bench.temp.path("spool"), bench.temp.path("elsewhere"));
  // What comes meanwhile makes a folder in its place.
  bench.kept("usual");
  REQUIRE(bench.files().size() == 1);
  CHECK_FALSE(bench.finish(keeping).has_value());
  CHECK(Next(bench).bodies == Names{"usual"});
}

TEST_CASE("given up in the middle it leaves nothing behind") {
  for (int turns = 0; turns < 4; ++turns) {
    CAPTURE(turns);
    Bench bench;
    bench.kept("usual");
    const auto before = bench.journal.figures();
    const std::string body = support::noise(5000);
    auto keeping = bench.begin(body);
    for (int i = 0; i < turns; ++i) CHECK_FALSE(keeping->step(kStep).has_value());
    keeping.reset();
    CHECK(bench.files() == Names{"00000001.seg"});
    CHECK(bench.journal.figures().bytes == before.bytes);
    CHECK(bench.journal.figures().segments == before.segments);
  }
}

TEST_CASE("whichever of its writes fails, it is told and leaves nothing behind") {
  const std::string body = support::noise(5000);
  // Five for the body, one for the head.
  for (std::size_t failing = 1; failing <= 6; ++failing) {
    for (const std::size_t takes : {0UL, 40UL}) {
      CAPTURE(failing);
      CAPTURE(takes);
      Bench bench;
      bench.disk.short_at = failing;
      bench.disk.takes = takes;
      auto keeping = bench.begin(body);
      const auto id = bench.finish(keeping);
      REQUIRE_FALSE(id.has_value());
      CHECK(id.error() == boost::system::errc::no_space_on_device);
      CHECK(bench.journal.figures().write_failures == 1);
      CHECK_FALSE(bench.journal.figures().durable);
      CHECK(bench.files().empty());
      CHECK(bench.lines.lines.size() == 1);
      // The next one tries anew.
      keeping = bench.begin(body);
      const auto again = bench.finish(keeping);
      REQUIRE(again.has_value());
      CHECK(bench.body_of(*again) == body);
      CHECK(bench.journal.figures().durable);
    }
  }
}

TEST_CASE("in a file that somebody has deleted meanwhile it is not kept") {
  Bench bench;
  const std::string body = support::noise(5000);
  auto keeping = bench.begin(body);
  CHECK_FALSE(keeping->step(kStep).has_value());
  CHECK_FALSE(keeping->step(kStep).has_value());
  fs::remove(bench.temp.path("spool/00000001.seg"));
  CHECK_FALSE(bench.finish(keeping).has_value());
  CHECK(bench.journal.figures().segments == 0);
}

TEST_CASE("two at once, others beside them, and all that waited released in between") {
  Bench bench;
  const std::string one = support::noise(5000);
  const std::string other = support::noise(7000);
  auto first = bench.begin(one);
  auto second = bench.begin(other);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(first->step(kStep).has_value());
    CHECK_FALSE(second->step(kStep).has_value());
    bench.kept("usual");
    bench.journal.release_all();
  }
  const auto second_id = bench.finish(second);
  const auto first_id = bench.finish(first);
  REQUIRE(first_id.has_value());
  REQUIRE(second_id.has_value());
  CHECK(bench.body_of(*first_id) == one);
  CHECK(bench.body_of(*second_id) == other);
  CHECK(Next(bench).bodies == Names{one, other});
}

TEST_CASE("its place is taken from the first turn on; where there is none it may ask again") {
  Bench bench(80'000);
  const std::string body = support::noise(40'000);
  const auto usual = bench.kept(support::noise(40'000));
  auto keeping = bench.begin(body);
  const auto full = keeping->step(kStep);
  REQUIRE(full.has_value());
  CHECK(full->error() == Errc::journal_full);
  bench.journal.release(usual);
  CHECK_FALSE(keeping->step(kStep).has_value());
  CHECK(bench.journal.figures().bytes > body.size());
  const auto beside = bench.journal.keep(support::record_head(), support::noise(40'000));
  REQUIRE_FALSE(beside.has_value());
  CHECK(beside.error() == Errc::journal_full);
  CHECK(bench.finish(keeping).has_value());
}

TEST_CASE("room for it is made by moving what lives, and its own file is not looked at") {
  Bench bench(160'000);  // segments of 20,000
  std::vector<JournalId> ids(60);
  for (auto& id : ids) id = bench.kept(support::noise(2000));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % 4 != 0) bench.journal.release(ids[i]);
  }
  const std::string body = support::noise(60'000);
  auto keeping = bench.begin(body);
  const auto id = bench.finish(keeping);
  REQUIRE(id.has_value());
  // Usual ones that need room compact, too, while a second large one is under way.
  bench.journal.release(*id);
  keeping = bench.begin(body);
  for (int i = 0; i < 10; ++i) CHECK_FALSE(keeping->step(kStep).has_value());
  int more = 0;
  while (more < 100 && bench.journal.keep(support::record_head(), support::noise(2000))) ++more;
  CHECK(more < 100);
  const auto last = bench.finish(keeping);
  REQUIRE(last.has_value());
  CHECK(bench.body_of(*last) == body);
  for (std::size_t i = 0; i < ids.size(); i += 4) CHECK(bench.body_of(ids[i]).size() == 2000);
}

TEST_CASE("one larger than the whole limit has no place; nor has any where there is no folder") {
  Bench bench(80'000);
  const std::string body = support::noise(80'000);
  auto keeping = bench.begin(body);
  CHECK(bench.finish(keeping).error() == boost::system::errc::file_too_large);
  Bench locked;
  locked.disk.locked = true;
  keeping = locked.begin(body);
  CHECK(locked.finish(keeping).error() == Errc::journal_off);
}

TEST_CASE("the limit and the file system's room are its own to the byte") {
  const std::size_t front = relay::encode_envelope(1, support::record_head(), {}).size();
  constexpr std::size_t kRest = relay::kSegmentHeaderBytes + relay::kSettledBytes;
  Bench alone(80'000);  // a segment of 10,000 stays free
  for (const std::size_t more : {1U, 0U}) {
    const std::string body(70'000 - kRest - front + more, 'x');
    auto keeping = alone.begin(body);
    const auto id = alone.finish(keeping);
    CHECK(id.has_value() == (more == 0));
    if (!id) CHECK(id.error() == boost::system::errc::file_too_large);
  }
  Bench beside(80'000);
  beside.kept("usual");
  const std::size_t taken = beside.journal.figures().bytes + relay::kSettledBytes;
  for (const std::size_t more : {1U, 0U}) {
    const std::string body(70'000 - taken - kRest - front + more, 'x');
    auto keeping = beside.begin(body);
    CHECK(beside.finish(keeping).has_value() == (more == 0));
  }
  const std::string body(80'000 - kRest - front, 'x');
  for (const std::uint64_t room : {79'999U, 80'000U}) {
    CAPTURE(room);
    Bench bench;
    bench.disk.says = relay::Disk::Space{1000 * kMiB, 100 * kMiB + room};
    auto keeping = bench.begin(body);
    CHECK(bench.finish(keeping).has_value() == (room == 80'000));
  }
}

TEST_CASE("the file system's room that it will take is nobody else's, and theirs again behind it") {
  const std::string body = support::noise(100'000);
  for (const bool given_up : {false, true}) {
    CAPTURE(given_up);
    Bench bench;
    bench.kept("usual");
    bench.disk.says = relay::Disk::Space{1000 * kMiB, 100 * kMiB + 101'000};
    auto keeping = bench.begin(body);
    for (int i = 0; i < 3; ++i) REQUIRE_FALSE(keeping->step(kStep).has_value());
    CHECK_FALSE(bench.journal.keep(support::record_head(), support::noise(4000)).has_value());
    if (given_up) {
      keeping.reset();
    } else {
      REQUIRE(bench.finish(keeping).has_value());
    }
    CHECK(bench.journal.keep(support::record_head(), support::noise(4000)).has_value());
  }
}

TEST_CASE("a large one that waits is not copied to make room: that would give none") {
  Bench bench(160'000);
  const std::string body = support::noise(15'000);
  auto keeping = bench.begin(body);
  REQUIRE(bench.finish(keeping).has_value());
  while (bench.journal.keep(support::record_head(), support::noise(2000))) {
  }
  CHECK(bench.files().front() == "00000001.seg");
}

TEST_CASE("where too many files are open it goes into that of the others") {
  Bench bench;
  const std::string body = "large";
  for (std::size_t i = 0; i < relay::kMostSegments; ++i) {
    auto keeping = bench.begin(body);
    REQUIRE(keeping != nullptr);
    CHECK(bench.finish(keeping).has_value());
  }
  const auto files = bench.files();
  auto keeping = bench.begin(body);
  CHECK(bench.finish(keeping).has_value());
  bench.kept("another");
  CHECK(bench.files().size() == files.size() + 1);
}

TEST_CASE("a large one that was left is handed over after some turns") {
  Bench bench;
  const std::string body = support::noise(2 * kMiB);
  bench.kept("usual");
  auto keeping = bench.begin(body);
  while (!keeping->step(kMiB)) {
  }
  keeping.reset();
  bench.kept("another");
  const Next next(bench);
  CHECK(next.bodies == Names{"usual", body, "another"});
  // 256 KiB each, to be checked and to be read.
  CHECK(next.slices >= 16);
}

TEST_SUITE_END();
