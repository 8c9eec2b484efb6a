#include "relay/emf.hpp"

#include "proto/json_object.hpp"

namespace relay {
namespace {

using proto::JsonObject;

constexpr std::array<EmfMetric, kEmfMetrics> kMetrics = {{
    {"Accepted", "Count"},
    {"Delivered", "Count"},
    {"Lost", "Count"},
    {"Refused", "Count"},
    {"Dropped", "Count"},
    {"Rejected", "Count"},
    {"Waiting", "Count", true},
    {"HeldTime", "Milliseconds"},
    {"HeldInvokes", "Count"},
    {"CutRequests", "Count"},
    {"PossibleDuplicates", "Count"},
    {"FailuresReported", "Count"},
}};
constexpr std::size_t kWaiting = 6;
static_assert(kMetrics.at(kWaiting).gauge);

// A dimension must have a value (the same page).
constexpr std::string_view kNoName = "unknown";

std::uint64_t refused(const Ledger& ledger) {
  std::uint64_t items = 0;
  for (const auto& [status, counts] : ledger.refused()) items += counts.total();
  return items;
}

std::uint64_t dropped(const Ledger& ledger) {
  std::uint64_t items = 0;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    items += ledger.dropped(static_cast<DropReason>(i)).total();
  }
  return items;
}

std::string directive() {
  std::string metrics;
  for (const auto& metric : kMetrics) {
    if (!metrics.empty()) metrics += ',';
    metrics += JsonObject().text("Name", metric.name).text("Unit", metric.unit).json();
  }
  return R"([{"Namespace":"Thaw","Dimensions":[["FunctionName"]],"Metrics":[)" + metrics + "]}]";
}

}  // namespace

const std::array<EmfMetric, kEmfMetrics>& emf_metrics() { return kMetrics; }

EmfValues emf_values(const Snapshot& snapshot) {
  const Stats& stats = snapshot.stats;
  const Ledger& ledger = stats.ledger;
  const auto holds = snapshot.host.held_in_all();
  const std::uint64_t lost = refused(ledger) + dropped(ledger);
  return {ledger.accepted().total(),
          ledger.delivered().total(),
          lost,
          refused(ledger),
          dropped(ledger),
          ledger.rejected(),
          snapshot.waiting.total(),
          static_cast<std::uint64_t>(holds.time.count()),
          holds.invokes,
          stats.cuts,
          stats.possible_duplicates,
          snapshot.host.failures_reported};
}

std::string to_emf(const EmfValues& values, std::string_view function, WallTime now) {
  JsonObject aws;
  aws.number("Timestamp", std::chrono::duration_cast<milliseconds>(now.time_since_epoch()).count());
  aws.member("CloudWatchMetrics", directive());
  JsonObject line;
  line.member("_aws", aws.json()).text("FunctionName", function.empty() ? kNoName : function);
  for (std::size_t i = 0; i < kMetrics.size(); ++i) line.number(kMetrics.at(i).name, values.at(i));
  return line.json();
}

std::optional<std::string> EmfLines::line(const Snapshot& snapshot) const {
  const EmfValues counted = emf_values(snapshot);
  EmfValues news = counted;
  bool anything = counted.at(kWaiting) > 0 || said_.at(kWaiting) > 0;
  for (std::size_t i = 0; i < news.size(); ++i) {
    if (kMetrics.at(i).gauge) continue;
    if (counted.at(i) >= said_.at(i)) news.at(i) = counted.at(i) - said_.at(i);
    anything = anything || news.at(i) > 0;
  }
  if (!anything) return std::nullopt;
  return to_emf(news, function_, snapshot.now);
}

void EmfLines::said(const Snapshot& snapshot) {
  last_ = snapshot.now;
  said_ = emf_values(snapshot);
}

}  // namespace relay
