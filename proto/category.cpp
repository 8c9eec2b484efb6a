#include "proto/category.hpp"

#include <algorithm>
#include <cassert>
#include <limits>
#include <numeric>

namespace proto {
namespace {

/// What is known of one item type. Sentry develop docs, "Envelope Items"; getsentry/relay:
/// relay-server/src/envelope/item.rs (quantities, creates_event, requires_event).
struct TypeRow {
  std::string_view type;
  Category ledger;
  LimitCategories limits;
  bool creates_event;
  bool depends_on_event;
};

using enum Category;

// `attachment` and the profile chunks depend on more than their type; see below.
constexpr std::array kTypes{
    TypeRow{"event", error, {error}, true, false},
    TypeRow{"transaction", transaction, {transaction}, true, false},
    TypeRow{"security", security, {security}, true, false},
    TypeRow{"raw_security", security, {security}, true, false},
    TypeRow{"unreal_report", error, {error}, true, false},
    TypeRow{"feedback", feedback, {feedback}, true, false},
    TypeRow{"user_report", feedback, {feedback}, false, true},
    TypeRow{"attachment", attachment, {attachment, attachment_item}, false, true},
    TypeRow{"form_data", default_, {}, false, true},
    TypeRow{"session", session, {session}, false, false},
    TypeRow{"sessions", session, {session}, false, false},
    TypeRow{"profile", profile, {profile}, false, true},
    TypeRow{"profile_chunk", profile_chunk, {profile_chunk}, false, false},
    TypeRow{"profile_chunk_ui", profile_chunk_ui, {profile_chunk_ui}, false, false},
    TypeRow{"replay_event", replay, {replay}, false, true},
    TypeRow{"replay_recording", replay, {replay}, false, false},
    TypeRow{"replay_video", replay, {replay}, false, false},
    TypeRow{"check_in", monitor, {monitor}, false, false},
    TypeRow{"log", log_item, {log_item, log_byte}, false, false},
    TypeRow{"trace_metric", trace_metric, {trace_metric, trace_metric_byte}, false, false},
    TypeRow{"span", span, {span}, false, false},
    TypeRow{"metric_buckets", metric_bucket, {metric_bucket}, false, false},
    TypeRow{"client_report", internal, {}, false, false},
};

// Upstream neither counts nor limits a type it does not know.
constexpr TypeRow kUnknownType{"", default_, {}, false, false};

const TypeRow& row_of(std::string_view type) {
  const auto* row = std::ranges::find(kTypes, type, &TypeRow::type);
  return row == kTypes.end() ? kUnknownType : *row;
}

/// Attachments that are a crash by themselves: Relay makes the event from them.
constexpr std::array<std::string_view, 7> kCrashAttachments{
    "event.minidump",           "event.applecrashreport", "event.payload",   "event.breadcrumbs",
    "playstation.prosperodump", "nswitch.dying_message",  "event.nv_gpudmp",
};

bool is_crash(const ItemFacts& item) {
  return item.type == "attachment" &&
         std::ranges::find(kCrashAttachments, item.attachment_type) != kCrashAttachments.end();
}

/// Relay sorts chunks of these platforms under the UI category (relay-profiling).
bool is_ui_chunk(const ItemFacts& item) {
  return item.type == "profile_chunk" &&
         (item.platform == "cocoa" || item.platform == "android" || item.platform == "javascript");
}

}  // namespace

Category ledger_category(const ItemFacts& item) {
  return is_ui_chunk(item) ? profile_chunk_ui : row_of(item.type).ledger;
}

LimitCategories limit_categories(const ItemFacts& item) {
  // Under a limit of attachments Relay goes on taking it, for the event, and keeps no copy of it
  // (relay-server/src/utils/rate_limits.rs, "Required Attachments").
  if (is_crash(item)) return {error};
  if (is_ui_chunk(item)) return {profile_chunk_ui};
  return row_of(item.type).limits;
}

bool creates_event(const ItemFacts& item) {
  return is_crash(item) || row_of(item.type).creates_event;
}

bool depends_on_event(const ItemFacts& item) {
  return !is_crash(item) && row_of(item.type).depends_on_event;
}

Urgency urgency(Category category) {
  switch (category) {
    case error:
    case feedback:
    case monitor:
      return Urgency::urgent;
    // Aggregates and streams: each one lost leaves a gap, none is waited for.
    case default_:
    case transaction:
    case security:
    case session:
    case span:
    case metric_bucket:
    case log_item:
    case log_byte:
    case trace_metric:
    case trace_metric_byte:
      return Urgency::normal;
    // Large, and of little worth without what they illustrate. In an envelope with an event they
    // travel at the event's urgency, because an envelope is as urgent as its most urgent item.
    case attachment:
    case attachment_item:
    case profile:
    case profile_chunk:
    case profile_chunk_ui:
    case replay:
    // Our own book-keeping makes room for anything of the user's.
    case internal:
      return Urgency::bulk;
  }
  return Urgency::normal;
}

CategoryCounts& CategoryCounts::operator+=(const CategoryCounts& other) {
  for (std::size_t i = 0; i < kCategoryCount; ++i) counts_[i] += other.counts_[i];
  return *this;
}

CategoryCounts& CategoryCounts::operator-=(const CategoryCounts& other) {
  for (std::size_t i = 0; i < kCategoryCount; ++i) {
    assert(counts_[i] >= other.counts_[i]);  // an account is never overdrawn
    counts_[i] -= other.counts_[i];
  }
  return *this;
}

SmallCounts::SmallCounts(const CategoryCounts& counts) {
  for (std::size_t i = 0; i < kCategoryCount; ++i) {
    const auto count = counts[static_cast<Category>(i)];
    assert(count <= std::numeric_limits<std::uint16_t>::max());
    counts_[i] = static_cast<std::uint16_t>(count);
  }
}

CategoryCounts SmallCounts::wide() const {
  CategoryCounts counts;
  for (std::size_t i = 0; i < kCategoryCount; ++i) counts.add(static_cast<Category>(i), counts_[i]);
  return counts;
}

std::uint64_t CategoryCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0});
}

}  // namespace proto
