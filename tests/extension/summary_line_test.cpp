#include "extension/commands/summary_line.hpp"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "proto/json.hpp"
#include "tests/extension/summaries.hpp"

namespace {

using extension::SummaryLine;
using extension::SummaryReader;
using extension_test::line_of;
using extension_test::Summary;
using Kind = SummaryLine::Kind;

constexpr auto kStream = "2026/11/25/[$LATEST]0123456789abcdef0123456789abcdef";

SummaryLine read(const std::string& line) { return SummaryReader().read(line); }

Summary some() { return {.accepted = 7, .delivered = 6, .dropped = 1}; }

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const auto at = text.find(what);
  REQUIRE(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

}  // namespace

TEST_SUITE_BEGIN("extension/summary_line");

TEST_CASE("a summary is found in whatever a log puts around it") {
  const std::string line = line_of(some());
  const std::string quoted = proto::json_quote(line + "\n");
  const std::string stream(kStream);

  struct Case {
    std::string line, sandbox;
  };

  const Case cases[] = {
      {line, ""},
      {line + "\r", ""},
      {"2026-11-25T13:00:00.000Z " + line, ""},
      {"2026-11-25T13:00:00+00:00 " + stream + " " + line, stream},
      {R"({"timestamp":"2026-11-25T13:00:00Z","level":"INFO","message":"thaw: summary",)" +
           line.substr(1),
       ""},
      {"            \"message\": " + quoted + ",", ""},
      {R"({"logStreamName":")" + stream + R"(","message":)" + quoted + "}", stream},
      {R"({"@message":)" + proto::json_quote("2026-11-25T13:00:00Z " + line) + "}", ""},
      {"{not json} " + line, ""},
  };
  for (const auto& each : cases) {
    CAPTURE(each.line);
    const auto found = read(each.line);
    CHECK(found.kind == Kind::summary);
    CHECK(found.sandbox == each.sandbox);
    CHECK(found.figures.items.accepted.of("error") == 7);
    CHECK(found.figures.items.delivered.of("error") == 6);
    CHECK(found.figures.items.dropped.at("network_error").of("error") == 1);
    CHECK(found.figures.items.lost() == 1);
  }
}

TEST_CASE("every figure that is added up is read") {
  const auto figures =
      read(line_of({.accepted = 4, .recovered = 1, .delivered = 2, .waiting = 3, .held_ms = 75}))
          .figures;
  CHECK(figures.items.recovered.of("error") == 1);
  CHECK(figures.items.waiting.of("error") == 3);
  CHECK(figures.held_invokes.of("delivery") == 1);
  CHECK(figures.held_ms.total() == 75);
  CHECK(figures.held_invokes.total() == 1);
  CHECK(figures.hold.count == 1);
  CHECK(std::ranges::count(figures.hold.buckets, 1U) == 1);
  CHECK(figures.counters.of("invokes") == 1);
  CHECK(figures.version == THAW_VERSION);
  CHECK(figures.started == "2026-11-23T18:20:00.000000Z");
  CHECK(figures.now == "2026-11-23T18:21:00.000000Z");
}

TEST_CASE("what is no summary is told from what only looks like one") {
  const std::string line = line_of(some());
  CHECK(read("").kind == Kind::other);
  CHECK(read("START RequestId: 1").kind == Kind::other);
  CHECK(read(R"({"message":"items of a schema"})").kind == Kind::other);
  CHECK(read("the schema has no items").kind == Kind::other);
  CHECK(read(R"({"message":"\"schema\" and \"items\""})").kind == Kind::unreadable);
  CHECK(read(line.substr(0, line.size() - 1)).kind == Kind::unreadable);
  CHECK(read(R"({"schema":1,"items":{}})").kind == Kind::unreadable);
  CHECK(read(R"({"schema":"1","items":{}})").kind == Kind::unreadable);
  for (const std::string member :
       {"items", "refused", "dropped", "rejected", "held", "accept", "answer", "time"}) {
    CAPTURE(member);
    const std::string name = "\"" + member + "\":";
    CHECK(read(replaced(line, name + "{", name + "5,\"was\":{")).kind == Kind::unreadable);
  }
  CHECK(read(replaced(line_of({.held_ms = 75}), R"("100":1)", R"("99":1)")).kind ==
        Kind::unreadable);
  const auto two = read(replaced(line, R"("schema":1)", R"("schema":2)"));
  CHECK(two.kind == Kind::unknown_schema);
  CHECK(two.schema == 2);
}

TEST_CASE("hostile lines are unreadable and nothing else") {
  const std::string line = line_of(some());
  CHECK(read(replaced(line, R"("accepted":7)", R"("accepted":18446744073709551616)")).kind ==
        Kind::unreadable);
  CHECK(read(replaced(line, R"("accepted":7)", R"("accepted":-7)")).kind == Kind::unreadable);
  CHECK(read(replaced(line, R"("accepted":7)", R"("accepted":7.5)")).kind == Kind::unreadable);
  CHECK(read(replaced(line, "error", "\xff\xfe")).kind == Kind::unreadable);
  const std::string deep(100'000, '[');
  CHECK(read(replaced(line, R"("items":{)", R"("items":)" + deep + "{")).kind == Kind::unreadable);
  std::string closed = R"({"schema":1,"items":)";
  for (int i = 0; i < 100'000; ++i) closed += '[';
  closed.append(100'000, ']').append("}");
  CHECK(read(closed).kind == Kind::unreadable);
  CHECK(read(std::string(100'000, '{') + R"("schema":1,"items":{})").kind == Kind::unreadable);
}

TEST_CASE("names that are none of Thaw's form, and one too many, are counted as other") {
  extension::Tally tally;
  tally.add("\x1b[2J", 1);
  tally.add("", 1);
  tally.add(std::string(41, 'a'), 1);
  CHECK(tally.of("other") == 3);
  tally.add(std::string(40, 'a'), 1);
  for (int i = 0; i < 100; ++i) tally.add("n" + std::to_string(i), 1);
  CHECK(tally.all().size() == extension::Tally::kMostNames);
  CHECK(tally.total() == 104);
}

TEST_CASE("sums stay at the most that there is") {
  constexpr auto kMost = ~std::uint64_t{0};
  CHECK(extension::sum_of(kMost - 1, 1) == kMost);
  CHECK(extension::sum_of(kMost, 1) == kMost);
}

TEST_CASE("what goes to a terminal is printable, and not long") {
  const auto found =
      read("2026/11/25/[\x1b[2J\xc3\xa4" + std::string(500, 'x') + " " + line_of(some()));
  CHECK(found.sandbox.starts_with("2026/11/25/[?[2J??xxx"));
  CHECK(found.sandbox.size() == 120);
}

TEST_SUITE_END();
