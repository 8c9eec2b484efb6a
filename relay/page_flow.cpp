#include "relay/html.hpp"
#include "relay/page_parts.hpp"

namespace relay {
namespace {

using html::figure;
using proto::Category;

struct Row {
  const Snapshot& now;
  Category category;
  std::string path;  ///< of its account in /stats
  std::uint64_t lost = 0;
  std::string losses{};

  Row(const Snapshot& snapshot, Category of)
      : now(snapshot), category(of), path("items/" + std::string(proto::name(of)) + "/") {
    const Ledger& ledger = now.stats.ledger;
    for (const auto& [status, items] : ledger.refused()) {
      add("refused", std::to_string(status), items[category]);
    }
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      add("dropped", name(reason), ledger.dropped(reason)[category]);
    }
  }

  void add(std::string_view how, std::string_view why, std::uint64_t items) {
    if (items == 0) return;
    lost += items;
    std::string at = path;
    losses.append(losses.empty() ? "" : "<br/>");
    losses += figure(at.append(how).append("/").append(why), items);
    losses.append(" ").append(how).append(" <code>").append(why).append("</code>");
  }

  [[nodiscard]] std::string number(std::string_view fate, std::uint64_t items) const {
    return figure(path + std::string(fate), items);
  }

  [[nodiscard]] std::uint64_t came() const {
    return now.stats.ledger.accepted()[category] + now.stats.ledger.recovered()[category];
  }
};

std::string flow_bar(const Row& row, std::uint64_t delivered, std::uint64_t waiting) {
  html::Bar bar(static_cast<double>(row.came()));
  bar.add("good", static_cast<double>(delivered)).add("busy", static_cast<double>(waiting));
  return bar.add("bad", static_cast<double>(row.lost)).html();
}

std::string rejected(const Ledger& ledger) {
  html::Facts facts;
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    const auto reason = static_cast<RejectReason>(i);
    const auto count = ledger.rejected(reason);
    if (count == 0) continue;
    const std::string why{name(reason)};
    facts.add("rejected <code>" + why + "</code>", figure("rejected/" + why, count));
  }
  return ledger.rejected() > 0 ? facts.html() : "";
}

std::string envelopes(const Snapshot& now) {
  const Stats& stats = now.stats;
  html::Facts facts("tiles");
  facts.add("accepted", figure("envelopes/accepted", stats.envelopes_accepted));
  facts.add("recovered", figure("envelopes/recovered", stats.envelopes_recovered));
  facts.add("delivered", figure("envelopes/delivered", stats.envelopes_delivered));
  facts.add("lost whole", figure("envelopes/lost", stats.envelopes_lost));
  facts.add("waiting", figure("envelopes/waiting", now.envelopes_waiting));
  facts.add("longest wait", now.envelopes_waiting > 0 ? html::length(now.oldest_waiting) : "none");
  facts.add("in memory",
            figure("bytes_waiting", now.bytes_waiting, html::bytes(now.bytes_waiting)));
  facts.add("on the way", figure("envelopes/in_flight", now.work.in_flight + now.work.probes));
  return facts.html();
}

}  // namespace

std::string page_flow(const Snapshot& now) {
  const Ledger& ledger = now.stats.ledger;
  html::Table table("flow", "By data category: what came, and what became of it",
                    {{"category", ""},
                     {"flow", "bar"},
                     {"accepted", "n"},
                     {"recovered", "n"},
                     {"delivered", "n"},
                     {"waiting", "n"},
                     {"lost", "why"}});
  for (const Category each : proto::all_categories()) {
    const Row row(now, each);
    if (row.came() == 0) continue;
    table.row({std::string(proto::name(each)),
               flow_bar(row, ledger.delivered()[each], now.waiting[each]),
               row.number("accepted", ledger.accepted()[each]),
               row.number("recovered", ledger.recovered()[each]),
               row.number("delivered", ledger.delivered()[each]),
               row.number("waiting", now.waiting[each]),
               row.losses.empty() ? R"(<data value="0">0</data>)" : row.losses});
  }
  const std::string items =
      table.empty() ? html::paragraph("No item has come so far.") : table.html();
  return html::section("envelopes", "Envelopes", envelopes(now)) +
         html::section("items", "Items", items + rejected(ledger));
}

}  // namespace relay
