// Records for tests of the journal.
#pragma once

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "relay/journal.hpp"
#include "relay/record.hpp"

namespace support {

/// One with no field left empty.
inline relay::RecordHead record_head(std::string_view target = "envelope/") {
  relay::RecordHead head;
  head.accepted_at = relay::WallTime(std::chrono::seconds{1'795'456'800});
  head.dsn = "https://abcdef0123456789abcdef0123456789@up.example/42";
  head.method = "POST";
  head.target = target;
  head.client = "sentry.python/2.19.0";
  head.user_agent = "sentry.python/2.19.0 (urllib3)";
  head.content_type = "application/x-sentry-envelope";
  head.counts.add(proto::Category::error);
  head.counts.add(proto::Category::attachment, 2);
  return head;
}

inline void check_same(const relay::RecordHead& a, const relay::RecordHead& b) {
  CHECK(a.accepted_at == b.accepted_at);
  CHECK(a.dsn == b.dsn);
  CHECK(a.method == b.method);
  CHECK(a.target == b.target);
  CHECK(a.client == b.client);
  CHECK(a.user_agent == b.user_agent);
  CHECK(a.content_type == b.content_type);
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

}  // namespace support
