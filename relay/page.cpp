#include "relay/page.hpp"

#include <string_view>

#include "proto/json.hpp"

namespace relay {
namespace {

using proto::Category;

/// {"a":1,"b":2}: an object of counters, written front to back.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }

  void key(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    out_ += proto::json_quote(name);
    out_ += ':';
  }

  void number(std::string_view name, std::uint64_t value) {
    key(name);
    out_ += std::to_string(value);
  }

  void end() { out_ += '}'; }

 private:
  std::string& out_;
  bool first_ = true;
};

void write_dropped(std::string& out, const Ledger& ledger, Category category) {
  Members reasons(out);
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    if (const auto count = ledger.dropped(reason)[category]) reasons.number(name(reason), count);
  }
  reasons.end();
}

void write_refused(std::string& out, const Ledger& ledger, Category category) {
  Members statuses(out);
  for (const auto& [status, items] : ledger.refused()) {
    if (items[category] > 0) statuses.number(std::to_string(status), items[category]);
  }
  statuses.end();
}

void write_category(std::string& out, const Ledger& ledger, Category category,
                    std::uint64_t waiting) {
  Members members(out);
  members.number("accepted", ledger.accepted()[category]);
  members.number("recovered", ledger.recovered()[category]);
  members.number("delivered", ledger.delivered()[category]);
  members.key("refused");
  write_refused(out, ledger, category);
  members.key("dropped");
  write_dropped(out, ledger, category);
  members.number("waiting", waiting);
  members.end();
}

void write_items(std::string& out, const Ledger& ledger, const Moment& moment) {
  Members categories(out);
  for (std::size_t i = 0; i < proto::kCategoryCount; ++i) {
    const auto category = static_cast<Category>(i);
    if (ledger.accepted()[category] + ledger.recovered()[category] == 0) continue;
    categories.key(proto::name(category));
    write_category(out, ledger, category, moment.waiting[category]);
  }
  categories.end();
}

void write_rejected(std::string& out, const Ledger& ledger) {
  Members reasons(out);
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    const auto reason = static_cast<RejectReason>(i);
    if (const auto count = ledger.rejected(reason)) reasons.number(name(reason), count);
  }
  reasons.end();
}

void write_envelopes(std::string& out, const Stats& stats, const Moment& moment) {
  Members envelopes(out);
  envelopes.number("accepted", stats.envelopes_accepted);
  envelopes.number("recovered", stats.envelopes_recovered);
  envelopes.number("delivered", stats.envelopes_delivered);
  envelopes.number("lost", stats.envelopes_lost);
  envelopes.number("waiting", moment.envelopes_waiting);
  envelopes.number("in_flight", moment.work.in_flight);
  envelopes.end();
}

void write_upstream(std::string& out, const Stats& stats) {
  Members upstream(out);
  upstream.number("requests", stats.requests);
  upstream.number("retries", stats.retries);
  upstream.number("failures", stats.failures);
  upstream.number("cuts", stats.cuts);
  upstream.number("possible_duplicates", stats.possible_duplicates);
  upstream.number("breaker_openings", stats.breaker_openings);
  upstream.number("probes", stats.probes);
  upstream.number("reports_sent", stats.reports_sent);
  upstream.end();
}

void write_journal(std::string& out, const Stats& stats, const Journal::Figures& figures) {
  Members journal(out);
  journal.number("bytes", figures.bytes);
  journal.number("segments", figures.segments);
  journal.number("skipped_bytes", figures.skipped_bytes);
  journal.number("write_failures", figures.write_failures);
  journal.number("unreadable", stats.unreadable);
  journal.end();
}

}  // namespace

std::string to_json(const Stats& stats, const Moment& moment) {
  std::string out;
  Members members(out);
  members.key("version");
  out += proto::json_quote(THAW_VERSION);
  members.key("durable");
  out += moment.journal.durable ? "true" : "false";
  members.key("envelopes");
  write_envelopes(out, stats, moment);
  members.key("items");
  write_items(out, stats.ledger, moment);
  members.key("rejected");
  write_rejected(out, stats.ledger);
  members.key("upstream");
  write_upstream(out, stats);
  members.key("journal");
  write_journal(out, stats, moment.journal);
  members.number("bytes_in", stats.bytes_in);
  members.number("bytes_out", stats.bytes_out);
  members.number("bytes_waiting", moment.bytes_waiting);
  members.number("task_failures", stats.task_failures);
  out += moment.host_members;
  members.end();
  return out;
}

}  // namespace relay
