// What a person sees of an item at a glance.
#include "proto/item_lines.hpp"

#include <string>

#include <doctest/doctest.h>

using proto::item_lines;

namespace {

struct Row {
  const char* type;
  const char* payload;
  const char* level;
  const char* what;
};

std::string log_of(std::size_t entries) {
  std::string list;
  for (std::size_t i = 0; i < entries; ++i) {
    list += std::string(i == 0 ? "" : ",") + R"({"level":"info","body":"line )" +
            std::to_string(i) + "\"}";
  }
  return "{\"items\":[" + list + "]}";
}

}  // namespace

TEST_SUITE_BEGIN("proto/item_lines");

TEST_CASE("each type says what matters of it") {
  const Row rows[] = {
      {"event",
       R"({"exception":{"values":[{"type":"KeyError","value":"a"},{"type":"ValueError","value":"no such order"}]}})",
       "error", "ValueError: no such order"},
      {"event", R"({"exception":[{"type":"Old"}],"level":"fatal"})", "fatal", "Old"},
      {"event", R"({"level":"info","logentry":{"message":"m %s","formatted":"m 1"}})", "info",
       "m 1"},
      {"event", R"({"message":"hello","level":"warning"})", "warning", "hello"},
      {"event", R"({"message":{"message":"hello"}})", "error", "hello"},
      {"event", "{}", "error", "(no message)"},
      {"transaction",
       R"({"transaction":"GET /orders","start_timestamp":100.5,"timestamp":100.512,"contexts":{"trace":{"op":"http.server","status":"ok"}}})",
       "", "GET /orders (http.server, 12 ms)"},
      {"transaction",
       R"({"transaction":"t","start_timestamp":"2026-11-25T13:00:00Z","timestamp":"2026-11-25T13:00:01.5Z","contexts":{"trace":{"status":"internal_error"}}})",
       "", "t (internal_error, 1500 ms)"},
      {"transaction", R"({"transaction":"t","start_timestamp":2,"timestamp":1})", "", "t"},
      {"log", R"({"items":[{"level":"warn","body":"disk is full"}]})", "warn", "disk is full"},
      {"span", R"({"items":[{"name":"query","start_timestamp":1,"end_timestamp":1.25}]})", "",
       "query (250 ms)"},
      {"trace_metric", R"({"items":[{"name":"orders","value":3,"type":"counter"}]})", "",
       "orders 3 (counter)"},
      {"check_in", R"({"monitor_slug":"nightly","status":"ok","duration":1.5})", "info",
       "nightly ok (1500 ms)"},
      {"check_in", R"({"monitor_slug":"nightly","status":"missed"})", "error", "nightly missed"},
      {"session", R"({"status":"exited","errors":2,"attrs":{"release":"app@1"}})", "",
       "exited (app@1, 2 errors)"},
      {"sessions",
       R"({"aggregates":[{"exited":3},{"exited":1,"crashed":1}],"attrs":{"release":"r"}})", "",
       "4 exited, 1 crashed (r)"},
      {"feedback", R"({"contexts":{"feedback":{"name":"Ann","message":"it broke"}}})", "",
       "Ann: it broke"},
      {"user_report", R"({"name":"Ann","comments":"it broke"})", "", "Ann: it broke"},
      {"client_report",
       R"({"discarded_events":[{"reason":"queue_overflow","category":"error","quantity":2}]})", "",
       "2 error (queue_overflow)"},
      {"client_report", R"({"discarded_events":[]})", "", "nothing lost"},
      {"replay_event", R"({"replay_id":"ab","segment_id":3})", "", "ab, segment 3"},
      {"brand_new", "12345", "", "5 bytes"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.payload);
    const auto lines = item_lines(row.type, "{}", row.payload);
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].level == row.level);
    CHECK(lines[0].what == row.what);
  }
}

TEST_CASE("an attachment is told by its header") {
  const auto lines =
      item_lines("attachment", R"({"filename":"a.txt","content_type":"text/plain"})", "abc");
  CHECK(lines.at(0).what == "a.txt, text/plain, 3 bytes");
}

TEST_CASE("what cannot be read is told by its size, and never fails") {
  for (const auto* payload : {"", "no JSON", "[]", "{\"exception\":", "\xFF\xFE", "null", "1"}) {
    for (const auto* type : {"event", "transaction", "log", "sessions", "client_report", "x"}) {
      CAPTURE(type);
      const auto lines = item_lines(type, payload, payload);
      REQUIRE(lines.size() == 1);
      CHECK(!lines[0].what.empty());
    }
  }
  CHECK(item_lines("event", "{}", "no JSON").at(0).what == "7 bytes");
  CHECK(item_lines("log", "{}", R"({"items":[]})").at(0).what == "12 bytes");
  CHECK(!item_lines("event", "{}", std::string(100'000, '[')).empty());
}

TEST_CASE("each entry of a container has its line, up to so many") {
  constexpr auto kMost = proto::kMaxItemLines;
  CHECK(item_lines("log", "{}", log_of(kMost - 1)).size() == kMost - 1);
  CHECK(item_lines("log", "{}", log_of(kMost)).size() == kMost);
  const auto lines = item_lines("log", "{}", log_of(kMost + 1));
  REQUIRE(lines.size() == kMost + 1);
  CHECK(lines[kMost - 1].what == "line 49");
  CHECK(lines[kMost].what == "and 1 more");
}

TEST_CASE("a long text is cut, and says so") {
  constexpr auto kMost = proto::kMaxItemLineBytes;
  for (const std::size_t size : {kMost - 1, kMost}) {
    const std::string text(size, 'x');
    CHECK(item_lines("event", "{}", "{\"message\":\"" + text + "\"}").at(0).what == text);
  }
  const std::string longer(kMost + 1, 'x');
  CHECK(item_lines("event", "{}", "{\"message\":\"" + longer + "\"}").at(0).what ==
        std::string(kMost, 'x') + "…");
}

TEST_SUITE_END();
