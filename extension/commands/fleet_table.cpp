#include "extension/commands/fleet_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>

#include "proto/number.hpp"
#include "relay/advice.hpp"
#include "relay/decimal.hpp"
#include "relay/stats_json.hpp"

namespace extension {
namespace {

/// Columns: the first is text, the others are numbers at the right.
class Table {
 public:
  Table(std::string& out, std::size_t first, std::size_t width)
      : out_(out), first_(first), width_(width) {}

  Table& row(std::string_view name, std::initializer_list<std::string> cells,
             std::string_view note = {}) {
    std::string line(name);
    line.resize(std::max(line.size() + 1, first_), ' ');
    for (const auto& cell : cells) {
      line.append(std::max(width_, cell.size() + 1) - cell.size(), ' ').append(cell);
    }
    if (!note.empty()) line.append("  ").append(note);
    out_.append(line).append("\n");
    return *this;
  }

 private:
  std::string& out_;
  std::size_t first_;
  std::size_t width_;
};

std::string text(std::uint64_t number) { return std::to_string(number); }

std::string plural(std::uint64_t number, std::string_view word, std::string_view ending = "s") {
  std::string out = text(number) + " " + std::string(word);
  return number == 1 ? out : out.append(ending);
}

std::uint64_t of(const std::map<std::string, Tally>& losses, std::string_view category) {
  std::uint64_t sum = 0;
  for (const auto& [why, items] : losses) sum = sum_of(sum, items.of(category));
  return sum;
}

std::uint64_t total(const std::map<std::string, Tally>& losses) {
  std::uint64_t sum = 0;
  for (const auto& [why, items] : losses) sum = sum_of(sum, items.total());
  return sum;
}

void add_head(std::string& out, const Fleet& fleet, std::string_view source) {
  out.append(source).append(": ").append(plural(fleet.processes, "process", "es"));
  if (fleet.sandboxes > 0) out += " of " + plural(fleet.sandboxes, "sandbox", "es");
  out +=
      ", Thaw " + fleet.total.version + ", " + plural(fleet.total.counters.of("invokes"), "invoke");
  constexpr std::size_t kSeconds = std::string_view("2026-11-25T13:00:00").size();
  out +=
      "\n" + fleet.first.substr(0, kSeconds) + " to " + fleet.last.substr(0, kSeconds) + " UTC\n\n";
}

void add_verdict(std::string& out, const Fleet& fleet) {
  const Fates& items = fleet.total.items;
  const std::uint64_t lost = items.lost();
  const std::uint64_t waiting = items.waiting.total();
  const std::uint64_t rejected = fleet.total.rejected.total();
  const std::uint64_t all = sum_of(items.accepted.total(), items.recovered.total());
  if (all == 0) {
    out += "Nothing was accepted.";
  } else if (lost > 0) {
    out += "LOST: " + text(lost) + " of " + plural(all, "item") + ".";
  } else {
    out += waiting > 0 || rejected > 0 ? "Nothing lost." : "All delivered.";
  }
  if (rejected > 0) out += " " + plural(rejected, "request") + " rejected.";
  if (waiting > 0) out += " " + plural(waiting, "item") + (waiting == 1 ? " waits." : " wait.");
  out += "\n\n";
}

void add_items(std::string& out, const Fleet& fleet) {
  const Fates& items = fleet.total.items;
  const auto all = sum_of(items.accepted.total(), items.recovered.total());
  if (all == 0) return;
  Table table(out, 20, 11);
  table.row("ITEMS", {"accepted", "inherited", "delivered", "refused", "dropped", "waiting"});
  for (const auto& [category, accepted] : items.accepted.all()) {
    table.row(category, {text(accepted), text(items.recovered.of(category)),
                         text(items.delivered.of(category)), text(of(items.refused, category)),
                         text(of(items.dropped, category)), text(items.waiting.of(category))});
  }
  table.row("all", {text(items.accepted.total()), text(items.recovered.total()),
                    text(items.delivered.total()), text(total(items.refused)),
                    text(total(items.dropped)), text(items.waiting.total())});
  out += "\n";
}

std::string_view to_do_on_refused(std::string_view status) {
  return relay::advice_on_refused(proto::parse_number<unsigned>(status).value_or(0)).to_do;
}

/// Nothing on a reason of another version.
template <class Reason>
std::string_view to_do_on(std::string_view name, std::size_t reasons) {
  for (std::size_t i = 0; i < reasons; ++i) {
    const auto reason = static_cast<Reason>(i);
    if (relay::name(reason) == name) return relay::advice_on(reason).to_do;
  }
  return {};
}

void add_losses(std::string& out, const Fleet& fleet) {
  const Fates& items = fleet.total.items;
  if (items.lost() + fleet.total.rejected.total() == 0) return;
  Table table(out, 28, 8);
  table.row("LOST OR REJECTED, AND WHY", {"items"}, "what to do");
  for (const auto& [status, lost] : items.refused) {
    table.row("refused " + status, {text(lost.total())}, to_do_on_refused(status));
  }
  for (const auto& [reason, lost] : items.dropped) {
    table.row("dropped " + reason, {text(lost.total())},
              to_do_on<relay::DropReason>(reason, relay::kDropReasonCount));
  }
  for (const auto& [reason, requests] : fleet.total.rejected.all()) {
    table.row("rejected " + reason, {text(requests)},
              to_do_on<relay::RejectReason>(reason, relay::kRejectReasonCount));
  }
  out += "\n";
}

void add_holds(std::string& out, const Fleet& fleet) {
  const ProcessFigures& total = fleet.total;
  if (total.counters.of("invokes") == 0) return;
  Table table(out, 20, 11);
  table.row("HELD FOR", {"invokes", "ms"});
  for (const auto& [what, invokes] : total.held_invokes.all()) {
    if (invokes == 0) continue;
    table.row(what, {text(invokes), text(total.held_ms.of(what))});
  }
  table.row("all", {text(total.held_invokes.total()), text(total.held_ms.total())});
  const auto unknown = total.counters.of("holds_unknown");
  if (unknown > 0) table.row("unknown", {text(unknown), "?"});
  out += "\n";
}

void add_latency(std::string& out, const Fleet& fleet) {
  Table table(out, 20, 11);
  table.row("MS, ESTIMATED", {"count", "p50", "p95", "p99"});
  const auto add = [&](std::string_view name, const Times& times) {
    table.row(name, {text(times.count), percentile_text(times, kPercents[0]),
                     percentile_text(times, kPercents[1]), percentile_text(times, kPercents[2])});
  };
  add("accept", fleet.total.accept);
  add("upstream answer", fleet.total.answer);
  add("hold", fleet.total.hold);
  out += "\n";
}

void add_counters(std::string& out, const Fleet& fleet) {
  std::string line;
  for (const auto& member : kCountedMembers) {
    const auto count = fleet.total.counters.of(member.name);
    if (count == 0 || member.name == "invokes" || member.name == "holds_unknown") continue;
    std::string name(member.name);
    std::ranges::replace(name, '_', ' ');
    line.append(line.empty() ? "" : ", ").append(name).append(" ").append(text(count));
  }
  if (!line.empty()) out += line + "\n\n";
}

void add_worst(std::string& out, const Fleet& fleet) {
  if (fleet.processes < 2) return;
  const auto add = [&](std::string_view head, const std::vector<Offender>& worst) {
    if (worst.empty()) return;
    Table table(out, 52, 11);
    table.row(head, {"lost", "held ms"});
    for (const auto& each : worst) table.row(each.name, {text(each.lost), text(each.held_ms)});
    out += "\n";
  };
  add("LOST MOST", fleet.lost_most(kWorst));
  add("HELD MOST", fleet.held_most(kWorst));
}

void add_skipped(std::string& out, const Fleet& fleet) {
  for (const auto& [schema, lines] : fleet.unknown_schemas) {
    out += plural(lines, "line") + " of schema " + text(schema) + " not read: this Thaw knows " +
           text(relay::kStatsSchema) + "\n";
  }
  const auto add = [&](std::uint64_t lines, std::string_view what) {
    if (lines > 0) out += plural(lines, "line") + " skipped: " + std::string(what) + "\n";
  };
  add(fleet.unreadable, "like one of Thaw's, and not readable as one");
  add(fleet.too_long(), "longer than any of Thaw's");
  add(fleet.others, "not one of Thaw's summaries");
  if (fleet.forgotten > 0) {
    out += plural(fleet.forgotten, "sandbox", "es") + " in the totals only\n";
  }
}

}  // namespace

std::string percentile_text(const Times& times, unsigned percent) {
  if (times.count == 0) return "-";
  const double ms = percentile(times, percent);
  if (ms < 0) return ">" + relay::decimal_ms(relay::Histogram::kBounds.back());
  // Beyond that an estimate has nothing to say.
  const std::int64_t grain = ms < 10 ? 100 : 1000;
  return relay::decimal_ms(
      relay::Histogram::Length{std::llround(ms * 1000 / static_cast<double>(grain)) * grain});
}

std::string to_table(const Fleet& fleet, std::string_view source) {
  std::string out;
  if (fleet.processes > 0) {
    add_head(out, fleet, source);
    add_verdict(out, fleet);
    add_items(out, fleet);
    add_losses(out, fleet);
    add_holds(out, fleet);
    add_latency(out, fleet);
    add_counters(out, fleet);
    add_worst(out, fleet);
  }
  add_skipped(out, fleet);
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

}  // namespace extension
