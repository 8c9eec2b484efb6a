#include "extension/kept_invoke.hpp"

#include <cstdint>
#include <span>

#include "relay/crc32c.hpp"
#include "relay/little_endian.hpp"

namespace extension {
namespace {

constexpr std::string_view kMagic = "THAWINVK";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kCrcAt = 16;
constexpr std::size_t kFixedBytes = 40;

enum Flag : std::uint32_t {
  has_deadline = 1,
  is_cold = 2,
  had_telemetry = 4,
  has_ended = 8,
  was_reported = 16,
};

/// Of all but the checksum's own bytes.
std::uint32_t checksum(std::string_view record) {
  return relay::crc32c(record.substr(kCrcAt + 4), relay::crc32c(record.substr(0, kCrcAt)));
}

std::uint32_t flags_of(const KeptInvoke& invoke) {
  return (invoke.deadline ? has_deadline : 0U) | (invoke.cold ? is_cold : 0U) |
         (invoke.telemetry ? had_telemetry : 0U) | (invoke.ended ? has_ended : 0U) |
         (invoke.reported ? was_reported : 0U);
}

/// The record's bytes if it is whole, else "".
std::string_view whole_record(std::string_view bytes) {
  if (bytes.size() < kFixedBytes || !bytes.starts_with(kMagic)) return {};
  const auto version = relay::number_at<std::uint32_t>(bytes, 8);
  const auto size = relay::number_at<std::uint32_t>(bytes, 12);
  if (version != kVersion || size < kFixedBytes || size > bytes.size()) return {};
  const std::string_view record = bytes.substr(0, size);
  const bool whole = relay::number_at<std::uint32_t>(record, kCrcAt) == checksum(record);
  return whole ? record : std::string_view{};
}

}  // namespace

std::string encode_invoke(const KeptInvoke& invoke) {
  std::string record(kMagic);
  relay::put(record, kVersion);
  relay::put(record, std::uint32_t{0});
  relay::put(record, std::uint32_t{0});
  relay::put(record, flags_of(invoke));
  relay::put(record, relay::since_1970(invoke.begun));
  relay::put(record, relay::since_1970(invoke.deadline.value_or(relay::WallTime{})));
  for (const auto* text : {&invoke.request_id, &invoke.function_arn, &invoke.xray_trace}) {
    relay::put_text(record, text->size() > kMaxKeptText ? std::string_view{} : *text);
  }
  relay::put_at(std::span(record), 12, static_cast<std::uint32_t>(record.size()));
  relay::put_at(std::span(record), kCrcAt, checksum(record));
  return record;
}

std::optional<KeptInvoke> parse_invoke(std::string_view bytes) {
  const std::string_view record = whole_record(bytes);
  if (record.empty()) return std::nullopt;
  relay::Cursor cursor(record.substr(kCrcAt + 4));
  const auto flags = cursor.number<std::uint32_t>();
  const auto begun = relay::time_of(cursor.number<std::uint64_t>());
  const auto deadline = relay::time_of(cursor.number<std::uint64_t>());
  if (!begun || !deadline) return std::nullopt;
  KeptInvoke invoke;
  invoke.begun = *begun;
  if ((flags & has_deadline) != 0) invoke.deadline = *deadline;
  for (auto* text : {&invoke.request_id, &invoke.function_arn, &invoke.xray_trace}) {
    *text = cursor.text();
  }
  invoke.cold = (flags & is_cold) != 0;
  invoke.telemetry = (flags & had_telemetry) != 0;
  invoke.ended = (flags & has_ended) != 0;
  invoke.reported = (flags & was_reported) != 0;
  if (!cursor.at_end()) return std::nullopt;
  return invoke;
}

}  // namespace extension
