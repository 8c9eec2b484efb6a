#include "proto/client_report.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <simdjson.h>

#include "proto/json.hpp"

namespace proto {
namespace {

namespace dom = simdjson::dom;

constexpr std::uint64_t kMaxQuantity = std::numeric_limits<std::uint32_t>::max();

/// Sentry develop docs, "Client Reports", discard reasons.
constexpr std::array<std::string_view, 14> kDocumented{
    "queue_overflow",    "cache_overflow",
    "buffer_overflow",   "ratelimit_backoff",
    "network_error",     "sample_rate",
    "before_send",       "event_processor",
    "send_error",        "internal_sdk_error",
    "insufficient_data", "backpressure",
    "ignored",           "invalid",
};

bool is_documented(std::string_view reason) {
  return std::ranges::find(kDocumented, reason) != kDocumented.end();
}

std::string text_of(const ClientReport::Entry& entry) {
  std::string text = R"({"reason":)" + json_quote(entry.reason);
  text.append(R"(,"category":")").append(name(entry.category));
  return text.append(R"(","quantity":)").append(std::to_string(entry.quantity)).append("}");
}

/// Seconds since 1970, with milliseconds: always 14 characters from 2020 until 2286.
std::string to_unix_seconds(WallTime now) {
  const auto count = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
  std::string text = std::to_string(count);
  return text.insert(text.size() - 3, ".");
}

/// The payload around its entries, at its longest.
constexpr std::string_view kFrame = R"({"timestamp":1795458000.500,"discarded_events":[]})";

std::string payload_of(const std::vector<ClientReport::Entry>& entries, WallTime now) {
  std::string payload = "{";
  if (now >= kOldestSane) payload += R"("timestamp":)" + to_unix_seconds(now) + ",";
  payload += R"("discarded_events":[)";
  for (const auto& entry : entries) {
    if (&entry != entries.data()) payload += ',';
    payload += text_of(entry);
  }
  return payload + "]}";
}

void take_discarded(const dom::element& discarded, ClientReport& report) {
  std::string_view reason;
  std::string_view category_name;
  std::uint64_t quantity = 0;
  if (discarded["reason"].get(reason) || discarded["category"].get(category_name) ||
      discarded["quantity"].get(quantity)) {
    return;
  }
  if (const auto category = category_of_name(category_name)) {
    report.add(reason, *category, quantity);
  }
}

}  // namespace

bool ClientReport::add(std::string_view reason, Category category, std::uint64_t quantity) {
  if (category == Category::internal || quantity == 0) return false;
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return entry.category == category && entry.reason == reason;
  });
  if (found != entries_.end()) {
    found->quantity += std::min(quantity, kMaxQuantity - found->quantity);
    return true;
  }
  if (reason.empty() || reason.size() > kMaxReasonBytes) return false;
  const auto is_other = [](const Entry& entry) { return !is_documented(entry.reason); };
  if (!is_documented(reason) &&
      static_cast<std::size_t>(std::ranges::count_if(entries_, is_other)) == kMaxOtherEntries) {
    return false;
  }
  entries_.push_back({std::string{reason}, category, std::min(quantity, kMaxQuantity)});
  return true;
}

void ClientReport::merge(const ClientReport& other) {
  for (const Entry& entry : other.entries_) add(entry.reason, entry.category, entry.quantity);
}

ClientReport ClientReport::take_batch() {
  std::size_t size = kFrame.size();
  auto end = entries_.begin();
  for (; end != entries_.end(); ++end) {
    size += text_of(*end).size() + (end == entries_.begin() ? 0U : 1U);
    if (size > kMaxReportBytes) break;
  }
  ClientReport batch;
  batch.entries_.assign(std::make_move_iterator(entries_.begin()), std::make_move_iterator(end));
  entries_.erase(entries_.begin(), end);
  return batch;
}

std::string ClientReport::encode(const Dsn& dsn, WallTime now) const {
  const std::string payload = payload_of(entries_, now);
  std::string text = R"({"dsn":)" + json_quote(to_string(dsn));
  if (now >= kOldestSane) text += R"(,"sent_at":)" + json_quote(to_rfc3339(now));
  text +=
      "}\n"
      R"({"type":"client_report","length":)" +
      std::to_string(payload.size()) + "}\n";
  return text + payload + "\n";
}

ClientReport parse_client_report(std::string_view payload) {
  ClientReport report;
  if (payload.size() > kMaxForeignReportBytes) return report;
  const simdjson::padded_string padded{payload};
  dom::parser parser;
  dom::array discarded;
  if (parser.parse(padded)["discarded_events"].get(discarded)) return report;
  for (const dom::element entry : discarded) take_discarded(entry, report);
  return report;
}

}  // namespace proto
