#include "extension/commands/fleet.hpp"

#include <string>

#include <doctest/doctest.h>

#include "extension/commands/fleet_table.hpp"
#include "extension/commands/line_splitter.hpp"
#include "relay/advice.hpp"
#include "tests/extension/summaries.hpp"

namespace {

using extension::Fleet;
using extension_test::line_of;
using extension_test::Summary;

std::string in_sandbox(int number, const Summary& figures) {
  return "2026/11/25/[$LATEST]" + std::to_string(number) + " " + line_of(figures);
}

void check_balance(const Fleet& fleet) {
  const auto& items = fleet.total.items;
  CHECK(items.accepted.total() + items.recovered.total() ==
        items.delivered.total() + items.lost() + items.waiting.total());
}

bool says(const std::string& text, std::string_view what) {
  return text.find(what) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("extension/fleet");

TEST_CASE("what one process leaves waiting and the next one delivers is counted once") {
  Fleet fleet;
  fleet.read(in_sandbox(1, {.accepted = 5, .delivered = 2, .waiting = 3}));
  CHECK(fleet.total.items.waiting.total() == 3);
  fleet.read(in_sandbox(1, {.accepted = 1, .recovered = 3, .delivered = 2, .waiting = 2}));
  fleet.read(in_sandbox(1, {.recovered = 2, .delivered = 2}));
  CHECK(fleet.processes == 3);
  CHECK(fleet.sandboxes == 1);
  CHECK(fleet.total.items.accepted.total() == 6);
  CHECK(fleet.total.items.recovered.total() == 0);
  CHECK(fleet.total.items.delivered.total() == 6);
  CHECK(fleet.total.items.waiting.total() == 0);
  check_balance(fleet);
}

TEST_CASE("no more is taken over than was left, and nothing twice") {
  Fleet fleet;
  fleet.read(in_sandbox(1, {.accepted = 1, .waiting = 1}));
  fleet.read(in_sandbox(1, {.recovered = 3, .delivered = 3}));
  CHECK(fleet.total.items.recovered.total() == 2);
  CHECK(fleet.total.items.waiting.total() == 0);
  fleet.read(in_sandbox(1, {.recovered = 1, .delivered = 1}));
  CHECK(fleet.total.items.recovered.total() == 3);
  check_balance(fleet);
}

TEST_CASE("what a process has counted and when it ran is in the total") {
  Fleet fleet;
  for (int i = 0; i < 2; ++i) fleet.read(line_of({.held_ms = 9}));
  CHECK(fleet.total.held_invokes.total() == 2);
  CHECK(fleet.total.held_ms.total() == 18);
  CHECK(fleet.total.counters.of("invokes") == 2);
  CHECK(fleet.total.version == THAW_VERSION);
  CHECK(fleet.first == "2026-11-23T18:20:00.000000Z");
  CHECK(fleet.last == "2026-11-23T18:21:00.000000Z");
}

TEST_CASE("times of all processes add up, bucket by bucket") {
  Fleet fleet;
  for (const std::int64_t held_ms : {7, 8, 70}) fleet.read(line_of({.held_ms = held_ms}));
  CHECK(fleet.total.hold.count == 3);
  CHECK(fleet.total.hold.buckets[6] == 2);  // 5 to 10 ms
  CHECK(extension::percentile(fleet.total.hold, 100) == doctest::Approx(100));
}

TEST_CASE("what another sandbox has left is nobody's heritage") {
  Fleet fleet;
  fleet.read(in_sandbox(1, {.accepted = 3, .waiting = 3}));
  fleet.read(in_sandbox(2, {.recovered = 3, .delivered = 3}));
  CHECK(fleet.total.items.waiting.total() == 3);
  CHECK(fleet.total.items.recovered.total() == 3);
  check_balance(fleet);
}

TEST_CASE("one process that has recovered something and has more waiting") {
  Fleet fleet;
  fleet.read(line_of({.accepted = 10, .recovered = 5, .delivered = 7, .waiting = 8}));
  CHECK(fleet.total.items.recovered.total() == 5);
  CHECK(fleet.total.items.waiting.total() == 8);
  check_balance(fleet);
}

TEST_CASE("lines without a sandbox are taken for one sandbox's, but named by themselves") {
  Fleet fleet;
  fleet.read(line_of({.accepted = 3, .waiting = 3}));
  fleet.read("");
  fleet.read(line_of({.recovered = 3, .delivered = 2, .dropped = 1, .held_ms = 9}));
  CHECK(fleet.total.items.recovered.total() == 0);
  check_balance(fleet);
  CHECK(fleet.sandboxes == 0);
  CHECK(fleet.others == 0);
  const auto worst = fleet.lost_most(5);
  REQUIRE(worst.size() == 1);
  CHECK(worst[0].name == "line 3");
  CHECK(worst[0].held_ms == 9);
  CHECK(fleet.held_most(5).size() == 1);
}

TEST_CASE("the worst come first, and as many as are asked for") {
  Fleet fleet;
  for (int i = 1; i <= 9; ++i) {
    const auto lost = static_cast<std::uint64_t>(i);
    fleet.read(in_sandbox(i, {.accepted = lost, .dropped = lost, .held_ms = 100 - i}));
  }
  const auto lost = fleet.lost_most(3);
  REQUIRE(lost.size() == 3);
  CHECK(lost[0].lost == 9);
  CHECK(lost[2].lost == 7);
  CHECK(fleet.held_most(1)[0].held_ms == 99);
}

TEST_CASE("of more sandboxes than are told apart the worst are kept, and every count") {
  Fleet fleet;
  const auto many = static_cast<int>(Fleet::kMostSandboxes) + 1;
  fleet.read(in_sandbox(0, {.accepted = 9, .dropped = 9}));
  for (int i = 1; i < many - 1; ++i) {
    fleet.read(in_sandbox(i, {.accepted = 2, .delivered = 1, .waiting = 1, .held_ms = 1}));
  }
  CHECK(fleet.forgotten == 0);
  fleet.read(in_sandbox(many, {.accepted = 2, .delivered = 1, .waiting = 1, .held_ms = 7}));
  CHECK(fleet.forgotten > 0);
  CHECK(fleet.lost_most(1)[0].lost == 9);
  CHECK(fleet.held_most(1)[0].held_ms == 7);
  CHECK(fleet.total.items.accepted.total() == 9 + 2 * Fleet::kMostSandboxes);
  check_balance(fleet);
}

TEST_CASE("percentiles are estimated within their bucket") {
  extension::Times times;
  CHECK(extension::percentile(times, 50) == 0);
  times.count = 4;
  times.buckets[6] = 2;  // 5 to 10 ms
  times.buckets[7] = 2;  // 10 to 25 ms
  CHECK(extension::percentile(times, 25) == doctest::Approx(7.5));
  CHECK(extension::percentile(times, 50) == doctest::Approx(10));
  CHECK(extension::percentile(times, 75) == doctest::Approx(17.5));
  CHECK(extension::percentile(times, 99) == doctest::Approx(24.7));
  times.count = 5;
  times.buckets.back() = 1;
  CHECK(extension::percentile(times, 99) < 0);
}

TEST_CASE("the table says what was lost, why, and what to do") {
  Fleet fleet;
  fleet.read(in_sandbox(1, {.accepted = 5, .delivered = 3, .dropped = 2, .held_ms = 30}));
  fleet.read(in_sandbox(2, {.accepted = 1, .waiting = 1}));
  fleet.read("garbage");
  const auto table = to_table(fleet, "x");
  CHECK(says(table, "x: 2 processes of 2 sandboxes"));
  CHECK(says(table, "LOST: 2 of 6 items. 1 item waits.\n"));
  CHECK(says(table, "dropped network_error"));
  CHECK(says(table, relay::advice_on(relay::DropReason::network_error).to_do));
  CHECK(says(table, "LOST MOST"));
  CHECK(says(table, "1 line skipped: not one of Thaw's summaries\n"));
  const auto json = to_json(fleet);
  CHECK(says(json, R"("lost":2,"items":{"error":{"accepted":6,"inherited":0,"delivered":3,)"
                   R"("refused":{},"dropped":{"network_error":2},"waiting":1}})"));
}

TEST_CASE("the table of nothing lost, of nothing at all, and of what it does not know") {
  Fleet well;
  well.read(line_of({.accepted = 1, .delivered = 1}));
  CHECK(says(to_table(well, "x"), "All delivered.\n"));
  Fleet waits;
  waits.read(line_of({.accepted = 2, .waiting = 2}));
  CHECK(says(to_table(waits, "x"), "Nothing lost. 2 items wait.\n"));
  Fleet rejects;
  rejects.read(line_of({.accepted = 1, .delivered = 1, .malformed = 4}));
  CHECK(says(to_table(rejects, "x"), "Nothing lost. 4 requests rejected.\n"));
  CHECK(says(to_table(rejects, "x"), relay::advice_on(relay::RejectReason::malformed).to_do));
  Fleet none;
  none.read(line_of({}));
  CHECK(says(to_table(none, "x"), "Nothing was accepted.\n"));
  Fleet unknown;
  unknown.read(R"({"schema":9,"items":{}})");
  CHECK(to_table(unknown, "x") == "1 line of schema 9 not read: this Thaw knows 1\n");
}

TEST_CASE("lines come whole however they were read, and too long ones not at all") {
  extension::LineSplitter splitter(4);
  std::string seen;
  const auto take = [&](std::string_view line) { seen.append(line).append("|"); };
  for (const auto* piece : {"ab", "c\n", "\n123", "4\n1234", "5", "67\nx\n12345\n", "yz"}) {
    splitter.feed(piece, take);
  }
  splitter.finish(take);
  CHECK(seen == "abc||1234||x||yz|");
  CHECK(splitter.too_long() == 2);
}

TEST_SUITE_END();
