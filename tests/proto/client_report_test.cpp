#include "proto/client_report.hpp"

#include <limits>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "proto/envelope.hpp"
#include "tests/support/envelopes.hpp"

using namespace std::chrono_literals;
using proto::Category;
using proto::ClientReport;
using proto::parse_client_report;
using proto::WallTime;

namespace {

constexpr WallTime kNow{std::chrono::milliseconds{1'795'458'000'500}};
constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();

std::uint64_t quantity(const ClientReport& report, std::string_view reason, Category category) {
  for (const auto& entry : report.entries()) {
    if (entry.reason == reason && entry.category == category) return entry.quantity;
  }
  return 0;
}

/// The payload of the one item of an encoded report.
std::string payload(const ClientReport& report, WallTime now = kNow) {
  const auto envelope = support::parsed(report.encode(support::route().dsn, now));
  REQUIRE(envelope.items().size() == 1);
  const auto& item = envelope.items()[0];
  CHECK(item.type == "client_report");
  return std::string{envelope.bytes().substr(item.payload_begin, item.end - item.payload_begin)};
}

ClientReport report_of(std::string_view reason, Category category, std::uint64_t quantity) {
  ClientReport report;
  CHECK(report.add(reason, category, quantity));
  return report;
}

}  // namespace

TEST_SUITE("proto/client_report") {
  TEST_CASE("quantities add up by reason and category") {
    ClientReport report;
    CHECK(report.empty());
    CHECK(report.add("queue_overflow", Category::error, 1));
    CHECK(report.add("queue_overflow", Category::error, 2));
    CHECK(report.add("queue_overflow", Category::log_byte, 700));
    CHECK(report.add("network_error", Category::error, 5));
    CHECK_FALSE(report.empty());
    CHECK(report.entries().size() == 3);
    CHECK(quantity(report, "queue_overflow", Category::error) == 3);
    CHECK(quantity(report, "queue_overflow", Category::log_byte) == 700);
    CHECK(quantity(report, "network_error", Category::error) == 5);
  }

  TEST_CASE("our own reports are never reported, and nothing is no loss") {
    ClientReport report;
    CHECK_FALSE(report.add("queue_overflow", Category::internal, 1));
    CHECK_FALSE(report.add("queue_overflow", Category::error, 0));
    CHECK_FALSE(report.add("", Category::error, 1));
    CHECK(report.empty());
  }

  TEST_CASE("a sum stays at what upstream can hold") {
    ClientReport report;
    CHECK(report.add("send_error", Category::attachment, kMost - 1));
    CHECK(quantity(report, "send_error", Category::attachment) == kMost - 1);
    CHECK(report.add("send_error", Category::attachment, 1));
    CHECK(quantity(report, "send_error", Category::attachment) == kMost);
    CHECK(report.add("send_error", Category::attachment, ~std::uint64_t{0}));
    CHECK(quantity(report, "send_error", Category::attachment) == kMost);
    CHECK(report.add("send_error", Category::log_byte, ~std::uint64_t{0}));
    CHECK(quantity(report, "send_error", Category::log_byte) == kMost);
  }

  TEST_CASE("a reason has up to 200 bytes") {
    ClientReport report;
    CHECK(report.add(std::string(199, 'r'), Category::error, 1));
    CHECK(report.add(std::string(200, 'r'), Category::error, 1));
    CHECK_FALSE(report.add(std::string(201, 'r'), Category::error, 1));
    CHECK(report.entries().size() == 2);
  }

  TEST_CASE("other reasons than the documented have room for 32 entries, the documented always") {
    ClientReport report;
    for (std::size_t i = 1; i <= proto::kMaxOtherEntries; ++i) {
      CHECK(report.add("own_" + std::to_string(i), Category::error, 1));
    }
    CHECK_FALSE(report.add("own_33", Category::error, 1));
    CHECK_FALSE(report.add("own_1", Category::session, 1));
    CHECK(report.add("own_1", Category::error, 1));
    for (std::size_t i = 0; i < proto::kCategoryCount; ++i) {
      const auto category = static_cast<Category>(i);
      CHECK(report.add("queue_overflow", category, 1) == (category != Category::internal));
    }
    CHECK(report.entries().size() == proto::kMaxOtherEntries + proto::kCategoryCount - 1);
  }

  TEST_CASE("it is written as a whole envelope of one item") {
    ClientReport report = report_of("queue_overflow", Category::error, 3);
    report.add("ratelimit_backoff", Category::default_, 1);
    CHECK(report.encode(support::route().dsn, kNow) ==
          "{\"dsn\":\"https://abcdef0123456789abcdef0123456789@up.example/42\","
          "\"sent_at\":\"2026-11-23T18:20:00.500000Z\"}\n"
          "{\"type\":\"client_report\",\"length\":174}\n"
          "{\"timestamp\":1795458000.500,\"discarded_events\":["
          "{\"reason\":\"queue_overflow\",\"category\":\"error\",\"quantity\":3},"
          "{\"reason\":\"ratelimit_backoff\",\"category\":\"default\",\"quantity\":1}]}\n");
  }

  TEST_CASE("a clock before 2020 is left out") {
    const ClientReport report = report_of("network_error", Category::session, 1);
    const WallTime lost = proto::kOldestSane - 1us;
    CHECK(report.encode(support::route().dsn, lost) ==
          "{\"dsn\":\"https://abcdef0123456789abcdef0123456789@up.example/42\"}\n"
          "{\"type\":\"client_report\",\"length\":83}\n"
          "{\"discarded_events\":["
          "{\"reason\":\"network_error\",\"category\":\"session\",\"quantity\":1}]}\n");
    CHECK(payload(report, proto::kOldestSane).starts_with("{\"timestamp\":1577836800.000,"));
  }

  TEST_CASE("an odd reason cannot break the payload") {
    const ClientReport report = report_of("a\"b\\c\nd", Category::error, 1);
    const ClientReport again = parse_client_report(payload(report));
    CHECK(quantity(again, "a\"b\\c\nd", Category::error) == 1);
  }

  TEST_CASE("an empty report is still one that upstream can read") {
    CHECK(payload(ClientReport{}) == "{\"timestamp\":1795458000.500,\"discarded_events\":[]}");
  }

  TEST_CASE("what does not fit into 4 KiB stays for the next one, in order") {
    const auto filled = [](std::size_t last) {
      ClientReport report;
      for (char c = 'a'; c < 'a' + 16; ++c) report.add(std::string(200, c), Category::error, 1);
      report.add(std::string(last, 'z'), Category::error, 1);
      return report;
    };
    const std::size_t room = proto::kMaxReportBytes - payload(filled(1)).size() + 1;
    REQUIRE(room > 1);
    REQUIRE(room <= proto::kMaxReasonBytes);
    for (const std::size_t length : {room - 1, room}) {
      ClientReport report = filled(length);
      const ClientReport batch = report.take_batch();
      CHECK(report.empty());
      CHECK(payload(batch).size() == proto::kMaxReportBytes - (room - length));
    }
    ClientReport report = filled(room + 1);
    report.add("send_error", Category::error, 1);
    const ClientReport first = report.take_batch();
    CHECK(first.entries().size() == 16);
    REQUIRE(report.entries().size() == 2);
    CHECK(report.entries()[0].reason == std::string(room + 1, 'z'));
    const ClientReport second = report.take_batch();
    CHECK(second.entries().size() == 2);
    CHECK(report.empty());
    CHECK(report.take_batch().empty());
  }

  TEST_CASE("a batch that failed goes back in and nothing is counted twice") {
    ClientReport report = report_of("send_error", Category::error, 3);
    report.add("queue_overflow", Category::session, 2);
    const ClientReport batch = report.take_batch();
    CHECK(report.empty());
    report.add("send_error", Category::error, 4);
    report.merge(batch);
    CHECK(quantity(report, "send_error", Category::error) == 7);
    CHECK(quantity(report, "queue_overflow", Category::session) == 2);
    CHECK(report.entries().size() == 2);
  }

  TEST_CASE("the fullest report there can be leaves in batches that each fit") {
    ClientReport report;
    for (const std::string reason :
         {"queue_overflow", "cache_overflow", "buffer_overflow", "ratelimit_backoff",
          "network_error", "sample_rate", "before_send", "event_processor", "send_error",
          "internal_sdk_error", "insufficient_data", "backpressure", "ignored", "invalid"}) {
      for (std::size_t i = 0; i + 1 < proto::kCategoryCount; ++i) {
        CHECK(report.add(reason, static_cast<Category>(i), kMost));
      }
    }
    for (char c = 'a'; c < 'a' + 26; ++c) {
      CHECK(report.add(std::string(proto::kMaxReasonBytes - 1, '\x01') + c, Category::error, 1));
    }
    const std::size_t entries = report.entries().size();
    std::size_t seen = 0;
    while (!report.empty()) {
      const ClientReport batch = report.take_batch();
      REQUIRE_FALSE(batch.empty());
      CHECK(payload(batch).size() <= proto::kMaxReportBytes);
      seen += batch.entries().size();
    }
    CHECK(seen == entries);
  }

  TEST_CASE("an SDK's report is read back into the same counts") {
    ClientReport report = report_of("before_send", Category::error, 3);
    report.add("sample_rate", Category::span, 12);
    report.add("own_reason", Category::log_byte, kMost);
    const ClientReport again = parse_client_report(payload(report));
    CHECK(payload(again) == payload(report));
  }

  TEST_CASE("of a report that is not quite one the readable part is taken") {
    const ClientReport report = parse_client_report(
        R"({"timestamp":"now","rate_limited_events":[{"reason":"x","category":"error","quantity":9}],)"
        R"("discarded_events":[1,null,{},{"reason":"sample_rate"},)"
        R"({"reason":5,"category":"error","quantity":1},)"
        R"({"reason":"a","category":"unheard_of","quantity":1},)"
        R"({"reason":"a","category":"error","quantity":-1},)"
        R"({"reason":"a","category":"error","quantity":1.5},)"
        R"({"reason":"a","category":"error","quantity":0},)"
        R"({"reason":"a","category":"internal","quantity":1},)"
        R"({"quantity":2,"x":[],"category":"user_report_v2","reason":"a"},)"
        R"({"reason":"sample_rate","category":"error","quantity":4}]})");
    CHECK(report.entries().size() == 2);
    CHECK(quantity(report, "a", Category::feedback) == 2);
    CHECK(quantity(report, "sample_rate", Category::error) == 4);
  }

  TEST_CASE("what is no report counts nothing") {
    for (const std::string text :
         {"", "null", "[]", "1", "{}", "{\"discarded_events\":{}}", "{\"discarded_events\":[",
          "{\"discarded_events\":[{\"reason\":\"a\",\"category\":\"error\",\"quantity\":1}]"}) {
      CAPTURE(text);
      CHECK(parse_client_report(text).empty());
    }
  }

  TEST_CASE("a payload longer than Relay takes is not read") {
    const std::string_view begin =
        R"({"discarded_events":[{"reason":"a","category":"error","quantity":1}]})";
    const std::size_t most = proto::kMaxForeignReportBytes;
    for (const std::size_t size : {most - 1, most, most + 1}) {
      const std::string text = std::string{begin} + std::string(size - begin.size(), ' ');
      CHECK(parse_client_report(text).empty() == (size > most));
    }
  }
}
