// The journal on a real disk, which is made to fail; "killed" is a journal that is gone while its
// files are not.
#include "relay/spool_journal.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>
#include <unistd.h>

#include "relay/crc32c.hpp"
#include "relay/errc.hpp"
#include "relay/journal_format.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/faulty_disk.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/noise.hpp"
#include "tests/support/records.hpp"
#include "tests/support/temp_folder.hpp"

namespace fs = std::filesystem;
using relay::Errc;
using relay::JournalId;
using relay::SpoolJournal;

namespace {

constexpr std::uint64_t kMiB = 1024ULL * 1024;
/// An eighth of the limit where that is small.
constexpr std::uint64_t kSegment = 8192;

struct Bench {
  explicit Bench(std::uint64_t max_bytes = 64 * kMiB) : max_bytes_(max_bytes) { start(); }

  void start() {
    journal = std::make_unique<SpoolJournal>(relay::SpoolSettings{temp.path("spool"), max_bytes_},
                                             disk, clock, log);
  }

  /// SIGKILL, and the next process.
  void restart() {
    journal.reset();
    start();
  }

  proto::Result<JournalId> keep(const std::string& body) {
    return journal->keep(support::record_head(), body);
  }

  JournalId kept(const std::string& body) { return support::kept(*journal, body); }

  /// Bodies an earlier process left, in the order they are found.
  std::vector<std::string> recovered() {
    std::vector<std::string> bodies;
    int slices = 0;
    while (journal->recover_some([&](JournalId id, relay::Record record) {
      ids[std::string(record.body.view())] = id;
      bodies.emplace_back(record.body.view());
      support::check_same(record.head, support::record_head());
    })) {
      REQUIRE(++slices < 100000);
    }
    return bodies;
  }

  std::vector<std::string> files() const { return temp.names("spool"); }

  std::uint64_t bytes_on_disk() const {
    std::uint64_t sum = 0;
    for (const auto& name : files()) sum += fs::file_size(temp.path("spool/" + name));
    return sum;
  }

  std::string body_of(JournalId id) { return support::body_of(*journal, id); }

  boost::asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  support::TempFolder temp;
  support::FaultyDisk disk;
  std::unique_ptr<SpoolJournal> journal;
  std::map<std::string, JournalId> ids;

 private:
  std::uint64_t max_bytes_;
};

using Bodies = std::vector<std::string>;

/// Overwrites `text` in a file, once.
void replace_in(const std::string& path, const std::string& text, const std::string& with) {
  std::ifstream in(path, std::ios::binary);
  std::string all{std::istreambuf_iterator<char>(in), {}};
  const auto at = all.find(text);
  REQUIRE(at != std::string::npos);
  all.replace(at, text.size(), with);
  std::ofstream(path, std::ios::binary) << all;
}

/// The header that the next version may write: the same place for its number and checksum.
std::string of_version_two(std::string header) {
  header[8] = 2;
  const std::uint32_t crc =
      relay::crc32c(std::string_view(header).substr(16), relay::crc32c(header.substr(0, 12)));
  for (unsigned i = 0; i < 4; ++i) header[12 + i] = static_cast<char>(crc >> (8 * i) & 0xffU);
  return header;
}

}  // namespace

TEST_SUITE_BEGIN("relay/spool_journal");

TEST_CASE("nothing is made before something is kept, and nothing is left when all is settled") {
  Bench bench;
  CHECK(bench.files().empty());
  CHECK_FALSE(fs::exists(bench.temp.path("spool")));
  const auto id = bench.kept("body");
  CHECK(bench.files() == Bodies{"00000001.seg"});
  CHECK(bench.body_of(id) == "body");
  CHECK(bench.journal->figures().durable);
  bench.journal->release(id);
  CHECK(bench.bytes_on_disk() == relay::kSegmentHeaderBytes);
  CHECK(bench.journal->figures().bytes == relay::kSegmentHeaderBytes);
  bench.journal.reset();
  CHECK(bench.files().empty());
}

TEST_CASE("the newest segment, emptied, is begun again; an older one goes") {
  Bench bench;
  for (int i = 0; i < 3; ++i) {
    const auto id = bench.kept("body " + std::to_string(i));
    CHECK(bench.files() == Bodies{"00000001.seg"});
    bench.journal->release(id);
  }
  const auto old = bench.kept(std::string(relay::kRollBytes, 'x'));
  bench.kept("new");
  CHECK(bench.files() == Bodies{"00000001.seg", "00000002.seg"});
  bench.journal->release(old);
  CHECK(bench.files() == Bodies{"00000002.seg"});
  bench.restart();
  CHECK(bench.recovered() == Bodies{"new"});
  CHECK(bench.journal->figures().skipped_bytes == 0);
}

TEST_CASE("an empty segment that a killed process left goes without a word") {
  Bench bench;
  fs::create_directory(bench.temp.path("spool"));
  std::ofstream(bench.temp.path("spool/00000001.seg")) << relay::encode_segment_header({});
  CHECK(bench.recovered().empty());
  CHECK(bench.files().empty());
  CHECK(bench.lines.lines.empty());
}

TEST_CASE("a segment that cannot be emptied goes") {
  Bench bench;
  const auto id = bench.kept("body");
  bench.disk.truncates = false;
  bench.journal->release(id);
  CHECK(bench.files().empty());
  bench.kept("next");
  CHECK(bench.files() == Bodies{"00000002.seg"});
}

TEST_CASE("an empty segment that was deleted, or carried off with its folder, is not begun again") {
  for (const bool with_folder : {false, true}) {
    CAPTURE(with_folder);
    Bench bench;
    bench.journal->release(bench.kept("body"));
    if (with_folder) {
      fs::rename(bench.temp.path("spool"), bench.temp.path("elsewhere"));
    } else {
      fs::remove(bench.temp.path("spool/00000001.seg"));
    }
    bench.kept("next");
    CHECK(bench.journal->figures().segments == 1);
    bench.restart();
    CHECK(bench.recovered() == Bodies{"next"});
  }
}

TEST_CASE("one write a record, the first of a segment with its header") {
  Bench bench;
  for (std::size_t i = 1; i <= 5; ++i) {
    bench.kept("body " + std::to_string(i));
    CHECK(bench.disk.writes == i);
  }
}

TEST_CASE("all goes with its files, not with a record each, but for what is being recovered") {
  Bench bench;
  for (int i = 0; i < 40; ++i) bench.kept("old " + std::to_string(i) + std::string(20'000, '.'));
  bench.restart();
  bench.kept("new");
  bench.kept("newer");
  std::size_t handed = 0;
  while (handed == 0) {
    REQUIRE(bench.journal->recover_some([&](JournalId, const relay::Record&) { ++handed; }));
  }
  REQUIRE(handed < 40);
  const auto writes = bench.disk.writes;
  bench.journal->release_all();
  CHECK(bench.disk.writes == writes + handed);
  CHECK(bench.files() == Bodies{"00000001.seg"});
  bench.restart();
  CHECK(bench.recovered().size() == 40 - handed);
}

TEST_CASE("what waits outlives the process, what was settled does not, oldest first") {
  Bench bench;
  std::array<JournalId, 5> ids{};
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = bench.kept("body " + std::to_string(i));
  bench.journal->release(ids[1]);
  bench.journal->release(ids[3]);
  bench.restart();
  CHECK(bench.recovered() == Bodies{"body 0", "body 2", "body 4"});
  CHECK(bench.journal->figures().all_recovered);
  // And once more: they stay kept until they are settled here.
  bench.journal->release(bench.ids.at("body 2"));
  bench.restart();
  CHECK(bench.recovered() == Bodies{"body 0", "body 4"});
  bench.journal->release(bench.ids.at("body 0"));
  bench.journal->release(bench.ids.at("body 4"));
  CHECK(bench.files().empty());
}

TEST_CASE("new records go to a segment of their own while the old are recovered") {
  Bench bench;
  bench.kept("old");
  bench.restart();
  bench.kept("new");
  CHECK(bench.files() == Bodies{"00000001.seg", "00000002.seg"});
  CHECK(bench.recovered() == Bodies{"old"});
  bench.restart();
  CHECK(bench.recovered() == Bodies{"old", "new"});
}

TEST_CASE("a full disk at each write: an error, the file as before, and room is used again") {
  for (std::size_t full = 1; full <= 6; ++full) {
    for (const std::size_t takes :
         {std::size_t{0}, std::size_t{1}, std::size_t{24}, std::size_t{100}}) {
      CAPTURE(full);
      CAPTURE(takes);
      Bench bench;
      bench.disk.full_from = full;
      bench.disk.takes = takes;
      Bodies kept;
      for (int i = 0; i < 8; ++i) {
        const std::string body = "body " + std::to_string(i);
        if (bench.keep(body)) kept.push_back(body);
      }
      CHECK(kept.size() == full - 1);
      CHECK_FALSE(bench.journal->figures().durable);
      CHECK(bench.journal->figures().write_failures > 0);
      REQUIRE(bench.lines.lines.size() == 1);
      CHECK(bench.lines.lines.front().find("more ephemeral storage") != std::string::npos);
      bench.disk.full_from = SIZE_MAX;
      bench.journal->retry();
      bench.kept("after");
      kept.emplace_back("after");
      CHECK(bench.journal->figures().durable);
      bench.restart();
      CHECK(bench.recovered() == kept);
      CHECK(bench.journal->figures().skipped_bytes == 0);
    }
  }
}

TEST_CASE("a short write in the middle of a burst that cannot be cut off costs no other record") {
  for (const std::size_t takes : {std::size_t{5}, std::size_t{24}, std::size_t{150}}) {
    CAPTURE(takes);
    Bench bench;
    bench.disk.short_at = 3;
    bench.disk.takes = takes;
    bench.disk.truncates = false;
    Bodies kept;
    for (int i = 0; i < 6; ++i) {
      const std::string body = "body " + std::to_string(i);
      if (bench.keep(body)) kept.push_back(body);
    }
    CHECK(kept == Bodies{"body 0", "body 1", "body 3", "body 4", "body 5"});
    CHECK(bench.files().size() == 2);
    bench.restart();
    CHECK(bench.recovered() == kept);
  }
}

TEST_CASE("a read-only folder, a missing one, a stranger's place: an error, said once") {
  Bench read_only;
  read_only.disk.creates = false;
  CHECK(read_only.keep("body").error() == boost::system::errc::read_only_file_system);
  CHECK_FALSE(read_only.keep("body").has_value());
  REQUIRE(read_only.lines.lines.size() == 1);
  CHECK(read_only.lines.lines.front().find("Set THAW_SPOOL_DIR") != std::string::npos);
  read_only.disk.creates = true;
  CHECK(read_only.keep("body").has_value());

  Bench planted;
  std::ofstream(planted.temp.path("spool")) << "a file";
  CHECK_FALSE(planted.keep("body").has_value());
  fs::remove(planted.temp.path("spool"));
  CHECK_FALSE(planted.keep("body").has_value());  // tried again at the next invoke, not before
  planted.journal->retry();
  CHECK(planted.journal->figures().durable);
  CHECK(planted.keep("body").has_value());
}

TEST_CASE("a second Thaw works without, and takes over when the first has gone") {
  Bench bench;
  bench.kept("of the first");
  auto second = std::make_unique<SpoolJournal>(relay::SpoolSettings{bench.temp.path("spool"), kMiB},
                                               bench.disk, bench.clock, bench.log);
  CHECK(second->keep(support::record_head(), "x").error() == Errc::journal_off);
  CHECK_FALSE(second->recover_some([](JournalId, const relay::Record&) { FAIL("not ours"); }));
  CHECK_FALSE(second->figures().all_recovered);
  second->retry();
  CHECK(second->keep(support::record_head(), "x").error() == Errc::journal_off);
  CHECK(bench.lines.lines.size() == 1);
  CHECK(bench.lines.lines.front().find("THAW_SPOOL_DIR") != std::string::npos);

  bench.journal = std::move(second);
  bench.journal->retry();
  CHECK(bench.keep("of the second").has_value());
  CHECK(bench.recovered() == Bodies{"of the first"});
}

TEST_CASE("flipped and cut bytes cost their own record, and are counted") {
  Bench bench;
  for (int i = 0; i < 4; ++i) bench.kept("body " + std::to_string(i));
  bench.journal.reset();
  const std::string file = bench.temp.path("spool/00000001.seg");
  replace_in(file, "body 1", "bodY 1");
  fs::resize_file(file, fs::file_size(file) - 5);
  bench.start();
  CHECK(bench.recovered() == Bodies{"body 0", "body 2"});
  CHECK(bench.journal->figures().skipped_bytes > 0);
}

TEST_CASE("a damaged header costs no record, a damaged length its own") {
  for (const std::size_t at : {20U, 42U}) {
    CAPTURE(at);
    Bench bench;
    bench.kept("one");
    bench.kept("two");
    bench.journal.reset();
    std::fstream(bench.temp.path("spool/00000001.seg"),
                 std::ios::in | std::ios::out | std::ios::binary)
        .seekp(static_cast<std::streamoff>(at))
        .put('\x7f');
    bench.start();
    CHECK(bench.recovered() == (at == 20 ? Bodies{"one", "two"} : Bodies{"two"}));
    const auto skipped = bench.journal->figures().skipped_bytes;
    CHECK((at == 20 ? skipped == relay::kSegmentHeaderBytes : skipped > 0));
  }
}

TEST_CASE("what the disk refuses to give of a file keeps it, whatever was found in the rest") {
  Bench bench;
  for (int i = 0; i < 90; ++i) bench.kept(std::to_string(i) + std::string(20'000, '.'));
  bench.restart();
  bench.disk.refused_read = 6;
  std::size_t released = 0;
  while (bench.journal->recover_some([&](JournalId id, const relay::Record&) {
    bench.journal->release(id);
    ++released;
  })) {
  }
  CHECK(released > 0);
  CHECK(released < 90);
  bench.restart();
  CHECK(bench.recovered().size() == 90 - released);
}

TEST_CASE("a damaged settled record settles nothing, least of all another") {
  Bench bench;
  const auto first = bench.kept("first");
  bench.kept("second");
  bench.journal->release(first);
  bench.journal.reset();
  const auto settled = relay::encode_settled(1);
  std::string damaged(settled.begin(), settled.end());
  damaged[16] = 2;
  replace_in(bench.temp.path("spool/00000001.seg"), {settled.begin(), settled.end()}, damaged);
  bench.start();
  CHECK(bench.recovered() == Bodies{"first", "second"});
}

TEST_CASE("behind a torn end what is settled is found by the next process, too") {
  Bench bench;
  bench.kept("first");
  bench.kept("second");
  bench.journal.reset();
  std::ofstream(bench.temp.path("spool/00000001.seg"), std::ios::app) << "xyz";
  bench.start();
  CHECK(bench.recovered() == Bodies{"first", "second"});
  bench.journal->release(bench.ids.at("first"));
  bench.restart();
  CHECK(bench.recovered() == Bodies{"second"});
}

TEST_CASE("behind foreign files that take a whole slice to be told, ours are found") {
  Bench bench;
  bench.kept("mine");
  bench.journal.reset();
  fs::rename(bench.temp.path("spool/00000001.seg"), bench.temp.path("spool/00000009.seg"));
  for (int i = 1; i <= 8; ++i) {
    std::ofstream(bench.temp.path("spool/0000000" + std::to_string(i) + ".seg"), std::ios::binary)
        << of_version_two(relay::encode_segment_header(bench.clock.wall_now()));
  }
  bench.start();
  CHECK(bench.recovered() == Bodies{"mine"});
}

TEST_CASE("a file larger than any of ours is left alone, one that just might be is looked into") {
  for (const std::uint64_t more : {0U, 1U}) {
    CAPTURE(more);
    Bench bench;
    bench.kept("body");
    bench.journal.reset();
    fs::resize_file(bench.temp.path("spool/00000001.seg"), kMiB / 8 + 4000 + more);
    bench.journal =
        std::make_unique<SpoolJournal>(relay::SpoolSettings{bench.temp.path("spool"), kMiB, 4000},
                                       bench.disk, bench.clock, bench.log);
    CHECK(bench.recovered().empty() == (more == 1));
    CHECK(bench.lines.lines.size() == more);
  }
}

TEST_CASE("what an earlier process left moves, too, to make room") {
  Bench bench(8 * kSegment);
  while (bench.keep(std::string(900, '.'))) {
  }
  bench.restart();
  std::vector<JournalId> ids;
  while (
      bench.journal->recover_some([&](JournalId id, const relay::Record&) { ids.push_back(id); })) {
  }
  for (std::size_t i = 0; i < ids.size(); i += 2) bench.journal->release(ids[i]);
  std::size_t more = 0;
  while (bench.keep(std::string(900, '.'))) ++more;
  CHECK(more > ids.size() / 4);
}

TEST_CASE("files of another version, of no version and of others are left alone, and said") {
  Bench bench;
  bench.kept("mine");
  bench.journal.reset();
  const auto spool = [&](const std::string& name) { return bench.temp.path("spool/" + name); };
  fs::copy_file(spool("00000001.seg"), spool("00000002.seg"));
  const std::string header = relay::encode_segment_header(bench.clock.wall_now());
  replace_in(spool("00000002.seg"), header, of_version_two(header));
  std::ofstream(spool("00000003.seg")) << "no segment at all, and longer than a header is";
  std::ofstream(spool("notes.txt")) << "a stranger";
  fs::create_symlink(spool("00000001.seg"), spool("00000004.seg"));
  fs::create_directory(spool("00000005.seg"));
  bench.start();
  CHECK(bench.recovered() == Bodies{"mine"});
  bench.journal->release(bench.ids.at("mine"));
  CHECK(bench.files() ==
        Bodies{"00000002.seg", "00000003.seg", "00000004.seg", "00000005.seg", "notes.txt"});
  CHECK(bench.lines.lines.size() == 2);
  // New ones are numbered behind whatever is there.
  bench.kept("new");
  CHECK(bench.files().size() == 6);
  CHECK(fs::exists(spool("00000006.seg")));
}

TEST_CASE("the files of the extension are neighbours: left alone, and not said") {
  Bench bench;
  bench.kept("mine");
  bench.journal.reset();
  for (const std::string name : {"ready", "invoke"}) {
    std::ofstream(bench.temp.path("spool/" + name)) << "theirs";
  }
  bench.start();
  CHECK(bench.recovered() == Bodies{"mine"});
  CHECK(fs::exists(bench.temp.path("spool/ready")));
  CHECK(fs::exists(bench.temp.path("spool/invoke")));
  CHECK(bench.lines.lines.empty());
}

TEST_CASE("deleted beneath us: what is open stays usable, what comes is kept in a new folder") {
  Bench bench;
  const auto id = bench.kept("old");
  fs::remove_all(bench.temp.path("spool"));
  CHECK(bench.body_of(id) == "old");
  bench.kept("new");
  CHECK(bench.files() == Bodies{"00000002.seg"});
  bench.journal->release(id);
  CHECK(bench.files() == Bodies{"00000002.seg"});
  bench.restart();
  CHECK(bench.recovered() == Bodies{"new"});
}

TEST_CASE("the limit: one below, at it, one more; what is released makes room again") {
  // Of 8 segments' worth one stays free for compaction.
  const std::uint64_t limit = 8 * kSegment;
  Bench probe;
  probe.kept(std::string(4096, 'x'));
  const auto record = probe.bytes_on_disk() - relay::kSegmentHeaderBytes;
  Bench bench(limit);
  std::vector<JournalId> ids;
  for (;;) {
    const auto id = bench.keep(std::string(4096, 'x'));
    CHECK(bench.bytes_on_disk() <= limit);
    if (!id) {
      CHECK(id.error() == Errc::journal_full);
      break;
    }
    ids.push_back(*id);
    REQUIRE(ids.size() < 100);
  }
  CHECK(ids.size() >= (limit - kSegment) / (record + 64));
  CHECK(bench.lines.lines.empty());
  bench.journal->release(ids[0]);
  CHECK(bench.keep(std::string(4096, 'y')).has_value());
  CHECK_FALSE(bench.keep(std::string(4096, 'z')).has_value());
}

TEST_CASE("a record larger than the whole limit has no place, and the next one has") {
  Bench bench(8 * kSegment);
  CHECK(bench.keep(std::string(60'000, 'x')).error() == boost::system::errc::file_too_large);
  REQUIRE(bench.lines.lines.size() == 1);
  CHECK(bench.lines.lines.front().find("THAW_SPOOL_MIB") != std::string::npos);
  CHECK(bench.keep("small").has_value());
}

TEST_CASE("living records move out of mostly dead segments, and the limit holds all the while") {
  const std::uint64_t limit = 16 * kSegment;
  Bench bench(limit);
  std::map<JournalId, std::string> living;
  std::uint64_t kept = 0;
  // Each second one is settled at once: without compaction half the disk would be dead.
  for (int i = 0; i < 1000; ++i) {
    const std::string body = "body " + std::to_string(i) + std::string(900, '.');
    const auto id = bench.keep(body);
    REQUIRE(bench.bytes_on_disk() <= limit);
    if (!id) {
      REQUIRE(id.error() == Errc::journal_full);
      bench.journal->release(living.begin()->first);
      living.erase(living.begin());
      continue;
    }
    ++kept;
    if (i % 2 == 0) {
      bench.journal->release(*id);
    } else {
      living.emplace(*id, body);
    }
  }
  CHECK(kept > 600);
  CHECK(living.size() * 1100 > limit / 2);
  for (const auto& [id, body] : living) CHECK(bench.body_of(id) == body);
  bench.restart();
  auto found = bench.recovered();
  std::sort(found.begin(), found.end());
  Bodies expected;
  for (const auto& [id, body] : living) expected.push_back(body);
  std::sort(expected.begin(), expected.end());
  CHECK(found == expected);
}

TEST_CASE("of several files the deadest moves, its records in their order") {
  Bench bench(8 * kSegment);
  std::vector<JournalId> ids;
  while (const auto id = bench.keep(std::to_string(ids.size()) + std::string(900, '.'))) {
    ids.push_back(*id);
  }
  constexpr std::size_t kInOne = 8;  // records in a file
  Bodies left;
  for (std::size_t i = 0; i < 3 * kInOne; ++i) {
    // Of the first two, of four and of two.
    const bool goes = i % kInOne < (i / kInOne == 1 ? 4 : 2);
    if (goes) bench.journal->release(ids[i]);
    if (!goes && i / kInOne == 1) left.push_back(std::to_string(i) + std::string(900, '.'));
  }
  left.push_back("new" + std::string(900, '.'));
  CHECK(bench.keep(left.back()).has_value());
  const auto files = bench.files();
  CHECK(files[0] == "00000001.seg");
  CHECK(files[1] == "00000003.seg");
  bench.restart();
  const auto found = bench.recovered();
  REQUIRE(found.size() > left.size());
  CHECK(Bodies(found.end() - static_cast<std::ptrdiff_t>(left.size()), found.end()) == left);
}

TEST_CASE("a file that stays, as it cannot be read, is in the way of no other") {
  Bench bench;
  bench.kept(std::string(6000, 'x'));
  bench.kept("small");
  bench.journal = std::make_unique<SpoolJournal>(
      relay::SpoolSettings{bench.temp.path("spool"), 8 * kSegment, 4000}, bench.disk, bench.clock,
      bench.log);
  REQUIRE(bench.recovered() == Bodies{"small"});
  bench.journal->release(bench.ids.at("small"));
  std::vector<JournalId> ids;
  while (const auto id = bench.keep(std::string(900, '.'))) ids.push_back(*id);
  for (std::size_t i = 0; i < ids.size(); i += 2) bench.journal->release(ids[i]);
  CHECK(bench.keep(std::string(900, '.')).has_value());
  CHECK(bench.files().front() == "00000001.seg");
}

TEST_CASE("a move that fails in the middle loses nothing and doubles nothing") {
  for (std::size_t fails = 0; fails < 6; ++fails) {
    CAPTURE(fails);
    Bench bench(8 * kSegment);
    std::vector<JournalId> ids;
    std::vector<std::string> bodies;
    for (;;) {
      const std::string body = std::to_string(ids.size()) + std::string(900, '.');
      const auto id = bench.keep(body);
      if (!id) break;
      ids.push_back(*id);
      bodies.push_back(body);
    }
    // Each second one of the oldest segment goes: the next record makes its rest move.
    std::vector<std::string> expected = bodies;
    for (const std::size_t gone : {0U, 2U, 4U, 6U}) {
      bench.journal->release(ids[gone]);
      std::erase(expected, bodies[gone]);
    }
    const auto files = bench.files();
    bench.disk.short_at = bench.disk.writes + 1 + fails;
    const std::string last = "new" + std::string(900, '.');
    const auto id = bench.keep(last);
    CHECK(id.has_value() == (fails >= 5));
    CHECK(bench.journal->figures().write_failures == (fails < 5 ? 1 : 0));
    if (fails == 0) CHECK(bench.files() == files);
    if (id) expected.push_back(last);
    bench.restart();
    auto found = bench.recovered();
    std::sort(found.begin(), found.end());
    std::sort(expected.begin(), expected.end());
    CHECK(found == expected);
  }
}

TEST_CASE("a segment that could not be moved while the disk was full is moved when it is not") {
  Bench bench(8 * kSegment);
  std::vector<JournalId> ids;
  while (const auto id = bench.keep(std::string(900, '.'))) ids.push_back(*id);
  // Two of each file go: what is left of one makes room for more than one.
  for (std::size_t i = 0; i < ids.size(); i += 4) bench.journal->release(ids[i]);
  bench.disk.full_from = 0;
  for (int i = 0; i < 20; ++i) CHECK_FALSE(bench.keep(std::string(900, '.')));
  // What could not be moved once is not tried with each record.
  const auto writes = bench.disk.writes;
  CHECK(bench.keep(std::string(900, '.')).error() == Errc::journal_full);
  CHECK(bench.disk.writes == writes);
  bench.disk.full_from = SIZE_MAX;
  bench.journal->retry();
  CHECK(bench.keep(std::string(900, '.')).has_value());
}

TEST_CASE("what met its fate while the disk was full is told when it is not: nothing comes twice") {
  for (const bool by_release : {true, false}) {
    CAPTURE(by_release);
    Bench bench;
    std::vector<JournalId> ids;
    ids.reserve(500);
    for (int i = 0; i < 500; ++i) ids.push_back(bench.kept("body " + std::to_string(i)));
    bench.disk.full_from = 0;
    for (int i = 0; i < 497; ++i) bench.journal->release(ids[static_cast<std::size_t>(i)]);
    bench.disk.full_from = SIZE_MAX;
    if (by_release) {
      bench.journal->release(ids[497]);
      bench.journal->release(ids[498]);
    } else {
      bench.journal->retry();
    }
    bench.restart();
    CHECK(bench.recovered() ==
          (by_release ? Bodies{"body 499"} : Bodies{"body 497", "body 498", "body 499"}));
  }
}

TEST_CASE("read some at a time it is the same record, a step at most what it was told") {
  Bench bench;
  const std::string body = support::noise(300'000);
  const auto id = bench.kept(body);
  for (const std::size_t slice : {1000UL, 64UL * 1024, 1'000'000UL}) {
    CAPTURE(slice);
    relay::RecordReading reading;
    std::size_t steps = 1;
    auto record = bench.journal->read_some(id, reading, slice);
    for (; !record; ++steps) record = bench.journal->read_some(id, reading, slice);
    REQUIRE(record->has_value());
    support::check_same((*record)->head, support::record_head());
    CHECK((*record)->body.view() == body);
    // The first one has read a little more, with the head.
    CHECK(steps > (body.size() - 2048) / slice);
    CHECK(steps <= body.size() / slice + 1);
  }
}

TEST_CASE("a record that is damaged, or gone, between two parts of it is an error") {
  Bench bench;
  const auto id = bench.kept(support::noise(300'000) + "the end");
  relay::RecordReading damaged;
  REQUIRE_FALSE(bench.journal->read_some(id, damaged, 1000));
  replace_in(bench.temp.path("spool/00000001.seg"), "the end", "the eNd");
  const auto bad = bench.journal->read_some(id, damaged, 1'000'000);
  REQUIRE(bad.has_value());
  CHECK(bad->error() == Errc::journal_damaged);
  relay::RecordReading gone;
  REQUIRE_FALSE(bench.journal->read_some(id, gone, 1000));
  bench.journal->release(id);
  const auto none = bench.journal->read_some(id, gone, 1000);
  REQUIRE(none.has_value());
  CHECK(none->error() == Errc::journal_damaged);
}

TEST_CASE("a record that moves between two parts of it is read all the same") {
  Bench bench(8 * kSegment);
  std::vector<JournalId> ids;
  const std::string body = support::noise(3500);
  for (;;) {
    const auto id = bench.keep(body);
    if (!id) break;
    ids.push_back(*id);
  }
  relay::RecordReading reading;
  REQUIRE_FALSE(bench.journal->read_some(ids[1], reading, 100));
  for (const std::size_t gone : {0U, 2U}) bench.journal->release(ids[gone]);
  bench.kept(body);
  REQUIRE(bench.files().front() != "00000001.seg");
  const auto record = bench.journal->read_some(ids[1], reading, 10'000);
  REQUIRE(record.has_value());
  REQUIRE(record->has_value());
  CHECK((*record)->body.view() == body);
}

TEST_CASE("the file system's last tenth, at least 16 MiB, is not ours") {
  for (const auto& [total, available, fits] :
       std::vector<std::tuple<std::uint64_t, std::uint64_t, bool>>{
           {100 * kMiB, 16 * kMiB + 1000, true},
           {100 * kMiB, 16 * kMiB, false},
           {1000 * kMiB, 100 * kMiB + 1000, true},
           {1000 * kMiB, 100 * kMiB, false}}) {
    CAPTURE(total);
    CAPTURE(available);
    Bench bench;
    bench.disk.says = relay::Disk::Space{total, available};
    CHECK(bench.keep("body").has_value() == fits);
    CHECK(bench.journal->figures().durable == fits);
    bench.disk.says = relay::Disk::Space{1000 * kMiB, 500 * kMiB};
    CHECK(bench.keep("body").has_value());
  }
}

TEST_CASE("the file system is asked again after 256 KiB, not at each record") {
  Bench bench;
  bench.disk.says = relay::Disk::Space{1000 * kMiB, 500 * kMiB};
  bench.kept("first");
  bench.disk.says = relay::Disk::Space{1000 * kMiB, 0};
  int more = 0;
  while (bench.keep(std::string(8192, 'x'))) REQUIRE(++more < 100);
  CHECK(more >= 30);
  CHECK(more <= 32);
}

TEST_CASE("recovery goes in slices, beside new traffic") {
  Bench bench;
  for (int i = 0; i < 100; ++i) bench.kept(std::to_string(i) + std::string(20'000, '.'));
  bench.restart();
  int slices = 0;
  std::size_t found = 0;
  bool more = true;
  while (more) {
    std::size_t in_this_one = 0;
    more = bench.journal->recover_some([&](JournalId, const relay::Record&) { ++in_this_one; });
    CHECK(in_this_one * 20'000 <= 256 * 1024 + 20'000);
    found += in_this_one;
    ++slices;
    bench.kept("beside");
  }
  CHECK(found == 100);
  CHECK(slices > 8);
}

TEST_CASE("of more segments than may be open the rest waits until those before are done with") {
  Bench bench;
  const std::size_t lives = 2 * relay::kMostSegments + 10;
  for (std::size_t i = 0; i < lives; ++i) {
    bench.kept(std::to_string(i));
    bench.restart();
  }
  std::size_t found = 0;
  for (const std::size_t expected : {relay::kMostSegments, relay::kMostSegments, 10UL}) {
    bench.ids.clear();
    CHECK(bench.recovered().size() == expected);
    CHECK(bench.journal->figures().all_recovered == (expected == 10));
    for (const auto& [body, id] : bench.ids) bench.journal->release(id);
    found += bench.ids.size();
    bench.journal->retry();
  }
  CHECK(found == lives);
  CHECK(bench.files().empty());
}

TEST_CASE("a folder that cannot be had is known before the first request") {
  Bench bench;
  bench.disk.locked = true;
  CHECK(bench.recovered().empty());
  CHECK_FALSE(bench.journal->figures().durable);
  CHECK(bench.lines.lines.empty());
  bench.disk.locked = false;
  bench.journal->retry();
  CHECK(bench.recovered().empty());
  CHECK(bench.journal->figures().durable);
}

TEST_CASE("deleted beneath us again and again: at last in memory, until there is room") {
  Bench bench;
  std::vector<JournalId> ids;
  for (std::size_t i = 0; i < 2 * relay::kMostSegments; ++i) {
    ids.push_back(bench.kept("body"));
    fs::remove_all(bench.temp.path("spool"));
  }
  CHECK(bench.keep("body").error() == boost::system::errc::too_many_files_open);
  CHECK_FALSE(bench.journal->figures().durable);
  bench.journal->release(ids.front());
  bench.kept("body");
  CHECK(bench.journal->figures().durable);
}

TEST_CASE("a limit of gigabytes makes the segments larger, not more than may be open") {
  Bench bench(10'240 * kMiB);
  for (int i = 0; i < 7; ++i) bench.kept(std::string(20 * kMiB, 'x'));
  CHECK(bench.files().size() == 2);
}

TEST_CASE("what is released while it is being handed over is gone with its segment") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.kept("body " + std::to_string(i));
  bench.restart();
  while (bench.journal->recover_some(
      [&](JournalId id, const relay::Record&) { bench.journal->release(id); })) {
  }
  CHECK(bench.files().empty());
}

TEST_CASE("a disk that stops being read in the middle of the handing over: its file stays") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.kept("body " + std::to_string(i));
  bench.restart();
  while (bench.journal->recover_some([&](JournalId id, const relay::Record&) {
    bench.disk.reads = false;
    bench.journal->release(id);
  })) {
  }
  CHECK(bench.journal->figures().skipped_bytes > 0);
  bench.disk.reads = true;
  bench.restart();
  CHECK(bench.recovered() == Bodies{"body 1", "body 2"});
}

TEST_CASE("a record that is damaged between the look at it and the handing over costs itself") {
  Bench bench;
  for (int i = 0; i < 3; ++i) bench.kept("body " + std::to_string(i));
  bench.restart();
  std::vector<JournalId> ids;
  while (bench.journal->recover_some([&](JournalId id, const relay::Record&) {
    if (ids.empty()) replace_in(bench.temp.path("spool/00000001.seg"), "body 1", "bodY 1");
    ids.push_back(id);
  })) {
  }
  CHECK(ids.size() == 2);
  CHECK(bench.journal->figures().skipped_bytes > 0);
  for (const auto id : ids) bench.journal->release(id);
  CHECK(bench.files().empty());
}

TEST_CASE("a file that may not be opened is told of, and stays") {
  Bench bench;
  bench.kept("body");
  const auto bytes = bench.bytes_on_disk();
  bench.restart();
  bench.disk.opens = boost::system::errc::permission_denied;
  CHECK(bench.recovered().empty());
  CHECK(bench.journal->figures().skipped_bytes == bytes);
  CHECK(bench.lines.lines.size() == 1);
  CHECK(bench.files().size() == 1);
}

TEST_CASE("a record larger than any of ours is not read, and its file left alone") {
  Bench bench;
  bench.kept(std::string(5000, 'x'));
  bench.kept("small");
  bench.journal =
      std::make_unique<SpoolJournal>(relay::SpoolSettings{bench.temp.path("spool"), kMiB, 4000},
                                     bench.disk, bench.clock, bench.log);
  CHECK(bench.recovered() == Bodies{"small"});
  bench.journal->release(bench.ids.at("small"));
  CHECK(bench.files().size() == 1);
}

TEST_CASE("a file that cannot be opened for want of descriptors or memory is opened later") {
  for (const auto why : {boost::system::errc::too_many_files_open,
                         boost::system::errc::too_many_files_open_in_system,
                         boost::system::errc::not_enough_memory}) {
    Bench bench;
    bench.kept("one");
    bench.restart();
    bench.kept("two");
    bench.restart();
    bench.disk.opens = why;
    CHECK(bench.recovered().empty());
    CHECK_FALSE(bench.journal->figures().all_recovered);
    CHECK(bench.journal->figures().skipped_bytes == 0);
    bench.disk.opens.reset();
    CHECK(bench.recovered() == Bodies{"one", "two"});
  }
}

TEST_CASE("a file that was cut while it is read is at its end") {
  Bench bench;
  bench.kept("first");
  bench.kept(std::string(kMiB, 'x'));
  bench.restart();
  REQUIRE(bench.journal->recover_some([](JournalId, const relay::Record&) {}));
  fs::resize_file(bench.temp.path("spool/00000001.seg"), kMiB / 2);
  int slices = 0;
  while (bench.journal->recover_some(
      [&](JournalId id, const relay::Record&) { bench.journal->release(id); })) {
    ++slices;
  }
  CHECK(slices < 100);
  CHECK(bench.journal->figures().skipped_bytes > kMiB / 2);
  CHECK(bench.files().empty());
}

TEST_CASE("a number that somebody took is passed over") {
  Bench bench;
  bench.kept("one");
  std::ofstream(bench.temp.path("spool/00000002.seg")) << "not ours";
  CHECK(bench.keep(std::string(3 * kMiB, 'x')).has_value());
  CHECK_FALSE(bench.keep("none").has_value());
  CHECK(bench.keep("two").has_value());
  CHECK(bench.files().size() == 3);
}

TEST_CASE("a disk that cannot be read: nothing is lost that a better day could bring") {
  Bench bench;
  const auto id = bench.kept("body");
  bench.disk.reads = false;
  CHECK_FALSE(bench.journal->read(id).has_value());
  bench.restart();
  CHECK(bench.recovered().empty());
  CHECK(bench.files().size() == 1);
  bench.disk.reads = true;
  bench.restart();
  CHECK(bench.recovered() == Bodies{"body"});
}

TEST_SUITE_END();
