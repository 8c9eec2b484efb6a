#include "proto/report_quantities.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/envelopes.hpp"

using proto::Category;
using proto::CategoryQuantity;
using proto::ClientReport;

namespace {

using Quantities = std::vector<CategoryQuantity>;

/// What the one item of an envelope counts as; `header` are members behind its type.
Quantities quantities(std::string_view type, std::string_view header, std::string_view payload) {
  std::string text = "{}\n{\"type\":\"" + std::string{type} + "\",\"length\":";
  text.append(std::to_string(payload.size())).append(header).append("}\n").append(payload);
  const auto envelope = support::parsed(text);
  return proto::report_quantities(envelope, envelope.items()[0]);
}

}  // namespace

TEST_SUITE("proto/report_quantities") {
  using enum Category;

  TEST_CASE("most items count as one of their category") {
    struct Row {
      std::string_view type;
      Category category;
    };

    const std::vector<Row> rows{
        {"event", error},
        {"security", security},
        {"raw_security", security},
        {"unreal_report", error},
        {"feedback", feedback},
        {"user_report", feedback},
        {"session", session},
        {"sessions", session},
        {"profile", profile},
        {"profile_chunk", profile_chunk},
        {"profile_chunk_ui", profile_chunk_ui},
        {"replay_event", replay},
        {"replay_recording", replay},
        {"replay_video", replay},
        {"check_in", monitor},
    };
    for (const auto& row : rows) {
      CAPTURE(row.type);
      CHECK(quantities(row.type, ",\"item_count\":7", "{}") == Quantities{{row.category, 1}});
    }
    CHECK(quantities("profile_chunk", ",\"platform\":\"cocoa\"", "{}") ==
          Quantities{{profile_chunk_ui, 1}});
  }

  TEST_CASE("what upstream does not count is not reported") {
    for (const std::string_view type :
         {"client_report", "form_data", "metric_buckets", "statsd", "brand_new", ""}) {
      CAPTURE(type);
      CHECK(quantities(type, ",\"item_count\":7", "{}").empty());
    }
  }

  TEST_CASE("a transaction is one, and its spans with itself") {
    const auto spans_of = [](std::string_view payload) {
      const auto found = quantities("transaction", "", payload);
      REQUIRE(found.size() == 2);
      CHECK(found[0] == CategoryQuantity{transaction, 1});
      CHECK(found[1].category == span);
      return found[1].quantity;
    };
    CHECK(spans_of("{}") == 1);
    CHECK(spans_of("") == 1);
    CHECK(spans_of("not json") == 1);
    CHECK(spans_of(R"({"spans":[]})") == 1);
    CHECK(spans_of(R"({"spans":null})") == 1);
    CHECK(spans_of(R"({"spans":[{"a":[1,2]}]})") == 2);
    CHECK(spans_of("{\"contexts\":{\"spans\":[1,2,3,4]},\"x\":\"spans\",\n \"spans\" :\t[ {}, "
                   "{\"d\":\"],[\"} , {} ]}") == 4);
  }

  TEST_CASE("a transaction's header that says how many spans wins") {
    CHECK(quantities("transaction", ",\"span_count\":3", R"({"spans":[1]})") ==
          Quantities{{transaction, 1}, {span, 4}});
    CHECK(quantities("transaction", ",\"span_count\":0", R"({"spans":[1]})") ==
          Quantities{{transaction, 1}, {span, 1}});
    CHECK(quantities("transaction", ",\"span_count\":\"3\"", R"({"spans":[1]})") ==
          Quantities{{transaction, 1}, {span, 2}});
    CHECK(quantities("transaction", ",\"span_count\":18446744073709551615", "{}")[1].quantity > 0);
  }

  TEST_CASE("logs and metrics count as records and as bytes, at least one of each") {
    CHECK(quantities("log", ",\"item_count\":3", "12345") ==
          Quantities{{log_item, 3}, {log_byte, 5}});
    CHECK(quantities("log", "", "") == Quantities{{log_item, 1}, {log_byte, 1}});
    CHECK(quantities("trace_metric", ",\"item_count\":2", "123") ==
          Quantities{{trace_metric, 2}, {trace_metric_byte, 3}});
    CHECK(quantities("trace_metric", "", "") ==
          Quantities{{trace_metric, 1}, {trace_metric_byte, 1}});
  }

  TEST_CASE("a span container counts as its spans, a lone span as one") {
    CHECK(quantities("span", ",\"item_count\":25", "{}") == Quantities{{span, 25}});
    CHECK(quantities("span", "", "{}") == Quantities{{span, 1}});
  }

  TEST_CASE("an attachment counts as bytes and as one, a crash as an error as well") {
    CHECK(quantities("attachment", ",\"item_count\":9", "12345") ==
          Quantities{{attachment, 5}, {attachment_item, 1}});
    CHECK(quantities("attachment", "", "") == Quantities{{attachment, 1}, {attachment_item, 1}});
    CHECK(quantities("attachment", ",\"attachment_type\":\"event.minidump\"", "MDMP") ==
          Quantities{{attachment, 4}, {attachment_item, 1}, {error, 1}});
  }

  TEST_CASE("a lost item is counted under its reason in every category") {
    const auto envelope = support::envelope({"log", "event", "brand_new"});
    ClientReport report;
    for (const auto& item : envelope.items()) {
      proto::add_lost(report, "queue_overflow", envelope, item);
    }
    REQUIRE(report.entries().size() == 3);
    CHECK(report.entries()[0].category == log_item);
    CHECK(report.entries()[1].category == log_byte);
    CHECK(report.entries()[1].quantity == 2);
    CHECK(report.entries()[2].category == error);
    CHECK(report.entries()[2].reason == "queue_overflow");
  }

  TEST_CASE("of a lost report what it said is kept, under its own reasons") {
    const auto envelope = support::parsed(support::envelope_text({support::item(
        "client_report",
        R"({"discarded_events":[{"reason":"sample_rate","category":"error","quantity":4}]})")}));
    ClientReport report;
    CHECK(report.add("sample_rate", error, 1));
    proto::add_lost(report, "queue_overflow", envelope, envelope.items()[0]);
    REQUIRE(report.entries().size() == 1);
    CHECK(report.entries()[0].quantity == 5);
  }
}
