#include "proto/category.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using proto::Category;
using proto::CategoryCounts;
using proto::ItemFacts;
using proto::LimitCategories;
using proto::Urgency;

namespace {

ItemFacts item(std::string_view type) {
  return {.type = type, .attachment_type = {}, .platform = {}};
}

ItemFacts attachment(std::string_view kind) {
  return {.type = "attachment", .attachment_type = kind, .platform = {}};
}

ItemFacts chunk(std::string_view platform) {
  return {.type = "profile_chunk", .attachment_type = {}, .platform = platform};
}

}  // namespace

TEST_SUITE("proto/category") {
  TEST_CASE("every category has a name that leads back to it") {
    for (std::size_t i = 0; i < proto::kCategoryCount; ++i) {
      const auto category = static_cast<Category>(i);
      CAPTURE(proto::name(category));
      CHECK(proto::category_of_name(proto::name(category)) == category);
    }
    CHECK(proto::name(Category::default_) == "default");
    CHECK(proto::category_of_name("user_report_v2") == Category::feedback);
    CHECK_FALSE(proto::category_of_name("seer_autofix").has_value());
    CHECK_FALSE(proto::category_of_name("").has_value());
    CHECK_FALSE(proto::category_of_name("Error").has_value());
  }

  TEST_CASE("each type is counted and limited as upstream does") {
    struct Row {
      std::string_view type;
      Category ledger;
      LimitCategories limits;
    };
    using enum Category;
    const std::vector<Row> rows{
        {"event", error, {error}},
        {"transaction", transaction, {transaction}},
        {"security", security, {security}},
        {"raw_security", security, {security}},
        {"unreal_report", error, {error}},
        {"attachment", Category::attachment, {Category::attachment, attachment_item}},
        {"session", session, {session}},
        {"sessions", session, {session}},
        {"user_report", feedback, {feedback}},
        {"feedback", feedback, {feedback}},
        {"profile", profile, {profile}},
        {"profile_chunk", profile_chunk, {profile_chunk}},
        {"profile_chunk_ui", profile_chunk_ui, {profile_chunk_ui}},
        {"replay_event", replay, {replay}},
        {"replay_recording", replay, {replay}},
        {"replay_video", replay, {replay}},
        {"check_in", monitor, {monitor}},
        {"log", log_item, {log_item, log_byte}},
        {"trace_metric", trace_metric, {trace_metric, trace_metric_byte}},
        {"span", span, {span}},
        {"metric_buckets", metric_bucket, {metric_bucket}},
        {"client_report", internal, {}},
        {"form_data", default_, {}},
        {"statsd", default_, {}},
        {"brand_new", default_, {}},
        {"", default_, {}},
    };
    for (const auto& row : rows) {
      CAPTURE(row.type);
      CHECK(proto::ledger_category(item(row.type)) == row.ledger);
      CHECK(proto::limit_categories(item(row.type)) == row.limits);
    }
  }

  TEST_CASE("a crash dump is an attachment that an error limit drops, and none of attachments") {
    for (const std::string kind :
         {"event.minidump", "event.applecrashreport", "event.payload", "event.breadcrumbs",
          "playstation.prosperodump", "nswitch.dying_message", "event.nv_gpudmp"}) {
      CAPTURE(kind);
      CHECK(proto::ledger_category(attachment(kind)) == Category::attachment);
      CHECK(proto::limit_categories(attachment(kind)) == proto::LimitCategories{Category::error});
      CHECK(proto::creates_event(attachment(kind)));
      CHECK_FALSE(proto::depends_on_event(attachment(kind)));
    }
    CHECK(proto::limit_categories(attachment("event.view_hierarchy")) ==
          proto::LimitCategories{Category::attachment, Category::attachment_item});
    CHECK(proto::depends_on_event(attachment("event.attachment")));
  }

  TEST_CASE("a profile chunk's platform decides its category") {
    for (const std::string platform : {"cocoa", "android", "javascript"}) {
      CHECK(proto::ledger_category(chunk(platform)) == Category::profile_chunk_ui);
      CHECK(proto::limit_categories(chunk(platform))[0] == Category::profile_chunk_ui);
    }
    for (const std::string platform : {"python", "node", ""}) {
      CHECK(proto::ledger_category(chunk(platform)) == Category::profile_chunk);
    }
  }

  TEST_CASE("who creates the event and who goes with it") {
    for (const std::string type :
         {"event", "transaction", "security", "raw_security", "unreal_report", "feedback"}) {
      CAPTURE(type);
      CHECK(proto::creates_event(item(type)));
      CHECK_FALSE(proto::depends_on_event(item(type)));
    }
    for (const std::string type :
         {"attachment", "user_report", "form_data", "profile", "replay_event"}) {
      CAPTURE(type);
      CHECK_FALSE(proto::creates_event(item(type)));
      CHECK(proto::depends_on_event(item(type)));
    }
    for (const std::string type :
         {"session", "log", "span", "check_in", "client_report", "brand_new"}) {
      CAPTURE(type);
      CHECK_FALSE(proto::creates_event(item(type)));
      CHECK_FALSE(proto::depends_on_event(item(type)));
    }
  }

  TEST_CASE("errors, feedback and check-ins go first, bulk leaves first") {
    for (const auto category : {Category::error, Category::feedback, Category::monitor}) {
      CHECK(proto::urgency(category) == Urgency::urgent);
    }
    for (const auto category : {Category::transaction, Category::session, Category::log_item,
                                Category::default_, Category::span}) {
      CHECK(proto::urgency(category) == Urgency::normal);
    }
    for (const auto category :
         {Category::internal, Category::attachment, Category::profile, Category::replay}) {
      CHECK(proto::urgency(category) == Urgency::bulk);
    }
    CHECK(Urgency::bulk < Urgency::normal);
    CHECK(Urgency::normal < Urgency::urgent);
  }

  TEST_CASE("counts add up and come off again") {
    CategoryCounts one;
    one.add(Category::error);
    one.add(Category::span, 5);
    CategoryCounts sum = one;
    sum += one;
    CHECK(sum[Category::error] == 2);
    CHECK(sum[Category::span] == 10);
    CHECK(sum[Category::session] == 0);
    CHECK(sum.total() == 12);
    sum -= one;
    CHECK(sum == one);
  }
}
