// What a journal may give back: written by an earlier Thaw, or by anybody in the function.
#include "relay/parcel.hpp"

#include <string>

#include <doctest/doctest.h>

#include "relay/errc.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/records.hpp"

using proto::Category;
using relay::Parcel;
using relay::Record;

namespace {

Record record(relay::RequestMeta meta, std::string_view body,
              Category category = Category::default_) {
  Record record{support::head_of(std::move(meta)), proto::Bytes::copy_of(body)};
  record.head.counts.add(category);
  return record;
}

Record record(std::string target, std::string_view body, Category category = Category::default_) {
  relay::RequestMeta meta;
  meta.target = std::move(target);
  return record(std::move(meta), body, category);
}

bool refused(Record record) {
  const auto parcel = Parcel::from(std::move(record));
  return !parcel && parcel.error() == relay::Errc::journal_damaged;
}

}  // namespace

TEST_SUITE_BEGIN("relay/parcel");

TEST_CASE("an envelope is counted by its items, whatever its record says") {
  const auto parcel = Parcel::from(
      record("envelope/", support::envelope_text({support::item("session")}), Category::error));
  REQUIRE(parcel.has_value());
  CHECK(parcel->head().counts[Category::session] == 1);
  CHECK(parcel->head().counts[Category::error] == 0);
}

TEST_CASE("another endpoint's request comes back as it was") {
  const auto parcel = Parcel::from(record("cron/nightly/?status=ok", "{}", Category::monitor));
  REQUIRE(parcel.has_value());
  CHECK(parcel->envelope() == nullptr);
  CHECK(parcel->body() == "{}");
  CHECK(parcel->has_check_in());
}

TEST_CASE("a planted record cannot say what intake would not have taken") {
  CHECK_FALSE(refused(record("minidump/", "MDMP")));
  for (const std::string target :
       {"", "../../0/projects/", "a/../b/", "minidump/\r\nX: y", "/minidump/", "upload/1"}) {
    CAPTURE(target);
    CHECK(refused(record(target, "x")));
  }
  for (auto field : {&relay::RequestMeta::client, &relay::RequestMeta::user_agent,
                     &relay::RequestMeta::content_type}) {
    relay::RequestMeta meta;
    meta.target = "minidump/";
    meta.*field = "a\r\nHost: elsewhere";
    CHECK(refused(record(std::move(meta), "x")));
  }
  relay::RequestMeta meta;
  meta.target = "minidump/";
  meta.method = "DELETE";
  CHECK(refused(record(std::move(meta), "x")));
  auto counts = record("minidump/", "x");
  counts.head.counts.add(Category::default_, 1U << 20U);
  CHECK(refused(std::move(counts)));
  CHECK(refused(record("cron/nightly/", "x", Category::error)));
}

TEST_SUITE_END();
