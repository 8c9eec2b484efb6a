// How much of each type Relay takes in one envelope.
// (getsentry/relay: relay-server/src/utils/sizes.rs, relay-config/src/config.rs; checked 2026-11)
#include <algorithm>
#include <array>
#include <limits>

#include "proto/envelope.hpp"

namespace proto {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

/// Types that share one counter.
enum class Group : std::uint8_t {
  event,
  attachment,
  session,
  client_report,
  check_in,
  profile,
  log,
  trace_metric,
  span_container,
  span,
  replay_recording,
  replay_video,
  metric_buckets,
  none,
};

struct Limits {
  std::uint64_t each = kNoLimit;      ///< bytes of one item
  std::uint64_t together = kNoLimit;  ///< bytes of all items of the group
  std::uint64_t count = kNoLimit;     ///< items of the group
  std::uint64_t average = kNoLimit;   ///< bytes for each record of a container
};

constexpr Limits limits_of(Group group) {
  switch (group) {
    case Group::event:
      return {.each = kMiB, .count = 1};
    case Group::attachment:
      return {.each = 200 * kMiB, .together = 200 * kMiB, .count = 30};
    case Group::session:
      return {.each = 10 * kMiB, .together = 10 * kMiB, .count = 100};
    case Group::client_report:
      return {.each = 100 * kKiB, .together = 100 * kKiB, .count = 100};
    case Group::check_in:
      return {.each = 100 * kKiB, .count = 1};
    case Group::profile:
      return {.each = 50 * kMiB, .count = 1};
    case Group::log:
      return {.each = 12 * kMiB, .count = 1, .average = 2 * kMiB};
    case Group::trace_metric:
      return {.each = 12 * kMiB, .count = 1, .average = kMiB};
    case Group::span_container:
      return {.each = 12 * kMiB, .count = 1, .average = 10 * kMiB};
    case Group::span:
      return {.each = kMiB, .count = 25};
    case Group::replay_recording:
    case Group::replay_video:
      return {.each = 10 * kMiB, .count = 1};
    case Group::metric_buckets:
      return {.each = kMiB, .count = 1};
    case Group::none:
      return {};
  }
  return {};
}

struct GroupOfType {
  std::string_view type;
  Group group;
};

constexpr std::array kGroups{
    GroupOfType{"event", Group::event},
    GroupOfType{"transaction", Group::event},
    GroupOfType{"security", Group::event},
    GroupOfType{"raw_security", Group::event},
    GroupOfType{"replay_event", Group::event},
    GroupOfType{"feedback", Group::event},
    GroupOfType{"form_data", Group::event},
    GroupOfType{"attachment", Group::attachment},
    GroupOfType{"unreal_report", Group::attachment},
    GroupOfType{"user_report", Group::attachment},
    GroupOfType{"session", Group::session},
    GroupOfType{"sessions", Group::session},
    GroupOfType{"client_report", Group::client_report},
    GroupOfType{"check_in", Group::check_in},
    GroupOfType{"profile", Group::profile},
    GroupOfType{"profile_chunk", Group::profile},
    GroupOfType{"profile_chunk_ui", Group::profile},
    GroupOfType{"log", Group::log},
    GroupOfType{"trace_metric", Group::trace_metric},
    GroupOfType{"span", Group::span},
    GroupOfType{"replay_recording", Group::replay_recording},
    GroupOfType{"replay_video", Group::replay_video},
    GroupOfType{"metric_buckets", Group::metric_buckets},
};

Group group_of(const Item& item) {
  const auto* found = std::ranges::find(kGroups, item.type, &GroupOfType::type);
  if (found == kGroups.end()) return Group::none;
  // A container says how many spans it holds; a single span of the old kind does not.
  if (found->group == Group::span && item.item_count > 0) return Group::span_container;
  return found->group;
}

struct Used {
  std::uint64_t bytes = 0;
  std::uint64_t items = 0;
};

/// Counts one item in; whether its group is still within its limits.
bool fits(const Item& item, const Limits& limits, Used& used) {
  const std::uint64_t size = item.end - item.payload_begin;
  used.bytes += size;
  used.items += 1;
  const std::uint64_t records = std::max<std::uint64_t>(item.item_count, 1);
  const bool average_fits = limits.average == kNoLimit || size / records <= limits.average;
  return size <= limits.each && used.bytes <= limits.together && used.items <= limits.count &&
         average_fits;
}

}  // namespace

std::optional<std::string> exceeded_size_limit(const Envelope& envelope) {
  std::array<Used, static_cast<std::size_t>(Group::none) + 1> used{};
  for (const Item& item : envelope.items()) {
    const Group group = group_of(item);
    if (!fits(item, limits_of(group), used[static_cast<std::size_t>(group)])) return item.type;
  }
  return std::nullopt;
}

}  // namespace proto
