// One byte says how things are (a bit each), one which read fails, one which write, two how long
// the first of two segment files is; the rest is both, as an earlier process left them.
#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "relay/crc32c.hpp"
#include "relay/errc.hpp"
#include "relay/journal_format.hpp"
#include "relay/little_endian.hpp"
#include "relay/spool_journal.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/scene.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/memory_disk.hpp"
#include "tests/support/records.hpp"

namespace {

using Bodies = std::vector<std::string>;

enum Mood : unsigned {
  mended = 1,    ///< checksums are made right, so that what is behind them is reached
  released = 2,  ///< all that is found meets its fate
};

/// Of one segment file.
void mend(std::string& file) {
  using relay::kRecordHeaderBytes;
  constexpr std::size_t kCrcAt = 12;
  const auto fix = [&](std::size_t at, std::size_t header, std::size_t all) {
    const std::string_view text = std::string_view(file).substr(at, all);
    const auto head =
        relay::crc32c(text.substr(16, header - 16), relay::crc32c(text.substr(0, 12)));
    relay::put_at(std::span(file), at + kCrcAt, relay::crc32c(text.substr(header), head));
  };
  if (file.size() < relay::kSegmentHeaderBytes) return;
  fix(0, relay::kSegmentHeaderBytes, relay::kSegmentHeaderBytes);
  for (std::size_t at = relay::kSegmentHeaderBytes; at + kRecordHeaderBytes <= file.size();) {
    const auto start = relay::parse_record_start(std::string_view(file).substr(at));
    if (start && start->body_bytes <= file.size() - at - kRecordHeaderBytes) {
      fix(at, kRecordHeaderBytes, kRecordHeaderBytes + start->body_bytes);
      at += static_cast<std::size_t>(start->record_bytes());
    } else {
      at += 8;
    }
  }
}

struct Files {
  std::vector<std::string> content;
  unsigned mood = 0;
  std::size_t failing_read = 0;
  std::size_t failing_write = 0;

  [[nodiscard]] bool disk_fails() const { return failing_read != 0 || failing_write != 0; }

  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto& file : content) sum += file.size();
    return sum;
  }
};

Files files_of(std::string_view bytes) {
  constexpr std::size_t kMostFile = 20'000;
  fuzz::Input input(bytes);
  Files files;
  files.mood = input.byte();
  files.failing_read = input.byte();
  files.failing_write = input.byte();
  const std::size_t low = input.byte();
  const std::size_t first = std::min(low + 256UL * input.byte(), kMostFile);
  files.content.emplace_back(input.take(first));
  files.content.emplace_back(input.take(kMostFile));
  if ((files.mood & mended) != 0) std::ranges::for_each(files.content, mend);
  return files;
}

support::MemoryDisk disk_with(const Files& files) {
  support::MemoryDisk disk;
  disk.failing_read = files.failing_read;
  disk.failing_write = files.failing_write;
  disk.put("00000001.seg", files.content[0]);
  disk.put("00000002.seg", files.content[1]);
  return disk;
}

relay::SpoolSettings settings() { return {"spool", 64UL * 1024, 32UL * 1024}; }

struct Bench {
  explicit Bench(support::MemoryDisk& disk) : journal(settings(), disk, clock, log) {}

  struct Found {
    std::vector<relay::JournalId> ids;
    Bodies bodies;
  };

  /// All that is there, in slices, each of which takes something.
  Found recover(std::size_t bytes) {
    Found found;
    std::size_t slices = 0;
    while (journal.recover_some([&](relay::JournalId id, relay::Record record) {
      found.ids.push_back(id);
      found.bodies.emplace_back(record.body.view());
    })) {
      REQUIRE(++slices < 100 + bytes);
    }
    return found;
  }

  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  relay::SpoolJournal journal;
};

/// Some a turn, as a large one.
proto::Result<relay::JournalId> keep_in_turns(relay::Journal& journal, std::string_view body) {
  const auto keeping = journal.begin(support::record_head(), body);
  for (std::size_t turns = 0;; ++turns) {
    REQUIRE(turns < 100);
    if (const auto kept = keeping->step(1000)) return *kept;
  }
}

/// Beside what was found there is room for new ones, up to the limit; returns those kept.
Bodies check_keeping(relay::Journal& journal, bool disk_fails) {
  constexpr std::size_t kMost = 20;
  Bodies kept;
  for (std::size_t i = 0; i < kMost; ++i) {
    const std::string body(4000, static_cast<char>('a' + i));
    const auto id =
        i % 4 == 3 ? keep_in_turns(journal, body) : journal.keep(support::record_head(), body);
    if (!id && !disk_fails) CHECK(id.error() == relay::Errc::journal_full);
    if (!id) continue;
    kept.push_back(body);
    const auto record = journal.read(*id);
    if (!record) CHECK(disk_fails);
    if (record) CHECK(record->body.view() == body);
  }
  return kept;
}

/// What one process finds and keeps is what the next one finds.
void check_two_lives(const Files& files) {
  auto disk = disk_with(files);
  Bodies expected;
  {
    Bench first(disk);
    const auto found = first.recover(files.bytes());
    CHECK(first.journal.figures().skipped_bytes <= files.bytes());
    CHECK(first.journal.figures().all_recovered);
    for (const auto id : found.ids) {
      if ((files.mood & released) != 0) first.journal.release(id);
    }
    if ((files.mood & released) == 0) expected = found.bodies;
    const auto kept = check_keeping(first.journal, files.disk_fails());
    expected.insert(expected.end(), kept.begin(), kept.end());
  }
  if (files.disk_fails()) return;
  Bench second(disk);
  auto found = second.recover(files.bytes() + settings().max_bytes);
  std::ranges::sort(found.bodies);
  std::ranges::sort(expected);
  CHECK(found.bodies == expected);
}

/// A whole relay delivers what can be delivered and accounts for the rest.
void check_relay(const Files& files) {
  auto disk = disk_with(files);
  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  relay::SpoolJournal journal(settings(), disk, clock, log);
  fuzz::Scene scene(journal, {});
  scene.relay.recover();
  support::settle(scene.io);
  scene.check_accounts();
  scene.check_sent();
  const auto now = scene.relay.snapshot();
  if (!files.disk_fails()) CHECK(now.waiting.total() == 0);
}

}  // namespace

void fuzz::journal(std::string_view input) {
  const Files files = files_of(input);
  check_two_lives(files);
  check_relay(files);
}
