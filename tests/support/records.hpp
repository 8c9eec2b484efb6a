// Records for tests of the journal.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "relay/journal.hpp"
#include "relay/record.hpp"

namespace support {

/// One with no field left empty.
inline relay::RecordHead record_head(std::string_view target = "envelope/") {
  relay::RequestMeta meta;
  meta.dsn = "https://abcdef0123456789abcdef0123456789@up.example/42";
  meta.target = target;
  meta.client = "sentry.python/2.19.0";
  meta.user_agent = "sentry.python/2.19.0 (urllib3)";
  meta.content_type = "application/x-sentry-envelope";
  relay::RecordHead head;
  head.accepted_at = relay::WallTime(std::chrono::seconds{1'795'456'800});
  head.meta = std::make_shared<const relay::RequestMeta>(std::move(meta));
  head.counts.add(proto::Category::error);
  head.counts.add(proto::Category::attachment, 2);
  return head;
}

inline void check_same(const relay::RecordHead& a, const relay::RecordHead& b) {
  CHECK(a.accepted_at == b.accepted_at);
  CHECK(a.meta->dsn == b.meta->dsn);
  CHECK(a.meta->method == b.meta->method);
  CHECK(a.meta->target == b.meta->target);
  CHECK(a.meta->client == b.meta->client);
  CHECK(a.meta->user_agent == b.meta->user_agent);
  CHECK(a.meta->content_type == b.meta->content_type);
  CHECK(a.counts == b.counts);
}

inline relay::JournalId kept(relay::Journal& journal, std::string_view body) {
  const auto id = journal.keep(record_head(), body);
  REQUIRE(id.has_value());
  return *id;
}

/// What is read back, or why that cannot be.
inline std::string body_of(relay::Journal& journal, relay::JournalId id) {
  const auto record = journal.read(id);
  return record ? std::string(record->body.view()) : record.error().message();
}

/// One that says nothing but this.
inline relay::RecordHead head_of(relay::RequestMeta meta) {
  return {{}, std::make_shared<const relay::RequestMeta>(std::move(meta))};
}

}  // namespace support
