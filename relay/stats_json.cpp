#include "relay/stats_json.hpp"

#include <utility>

#include "proto/json_object.hpp"
#include "proto/timestamp.hpp"
#include "relay/decimal.hpp"

namespace relay {
namespace {

using proto::Category;
using proto::JsonObject;

template <class Range, class ToJson>
std::string array_of(const Range& range, ToJson to_json) {
  std::string out = "[";
  for (std::string_view comma; const auto& element : range) {
    out.append(std::exchange(comma, ",")).append(to_json(element));
  }
  return out + "]";
}

std::string to_json(const Histogram& times) {
  JsonObject buckets;
  for (std::size_t i = 0; i < times.buckets().size(); ++i) {
    const std::uint64_t count = times.buckets()[i];
    if (count == 0) continue;
    const bool last = i == Histogram::kBounds.size();
    buckets.number(last ? "more" : decimal_ms(Histogram::kBounds[i]), count);
  }
  JsonObject histogram;
  histogram.number("count", times.count()).member("sum_ms", decimal_ms(times.sum()));
  return histogram.member("buckets", buckets.json()).json();
}

std::string category(const Ledger& ledger, Category category, std::uint64_t waiting) {
  JsonObject refused;
  for (const auto& [status, items] : ledger.refused()) {
    if (items[category] > 0) refused.number(std::to_string(status), items[category]);
  }
  JsonObject dropped;
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    const auto count = ledger.dropped(reason)[category];
    if (count > 0) dropped.number(name(reason), count);
  }
  JsonObject members;
  members.number("accepted", ledger.accepted()[category]);
  members.number("recovered", ledger.recovered()[category]);
  members.number("delivered", ledger.delivered()[category]);
  members.member("refused", refused.json()).member("dropped", dropped.json());
  return members.number("waiting", waiting).json();
}

std::string items(const Snapshot& snapshot) {
  const Ledger& ledger = snapshot.stats.ledger;
  JsonObject categories;
  for (const Category each : proto::all_categories()) {
    if (ledger.accepted()[each] + ledger.recovered()[each] == 0) continue;
    categories.member(proto::name(each), category(ledger, each, snapshot.waiting[each]));
  }
  return categories.json();
}

std::string rejected(const Ledger& ledger) {
  JsonObject reasons;
  for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
    const auto reason = static_cast<RejectReason>(i);
    if (const auto count = ledger.rejected(reason)) reasons.number(name(reason), count);
  }
  return reasons.json();
}

std::string envelopes(const Snapshot& snapshot) {
  const Stats& stats = snapshot.stats;
  JsonObject envelopes;
  envelopes.number("accepted", stats.envelopes_accepted);
  envelopes.number("recovered", stats.envelopes_recovered);
  envelopes.number("delivered", stats.envelopes_delivered);
  envelopes.number("lost", stats.envelopes_lost);
  envelopes.number("waiting", snapshot.envelopes_waiting);
  envelopes.number("oldest_waiting_ms", snapshot.oldest_waiting.count());
  return envelopes.number("in_flight", snapshot.work.in_flight + snapshot.work.probes).json();
}

std::string local(const Snapshot& snapshot) {
  JsonObject local;
  local.number("connections", snapshot.local_connections);
  return local.member("accept", to_json(snapshot.stats.accept_time)).json();
}

std::string upstream(const Snapshot& snapshot) {
  const Stats& stats = snapshot.stats;
  JsonObject upstream;
  upstream.number("requests", stats.requests).number("retries", stats.retries);
  upstream.number("failures", stats.failures).number("cuts", stats.cuts);
  upstream.number("possible_duplicates", stats.possible_duplicates);
  upstream.number("breaker_openings", stats.breaker_openings).number("probes", stats.probes);
  upstream.number("reports_sent", stats.reports_sent);
  upstream.number("connects", snapshot.connections.connects);
  upstream.number("reused", snapshot.connections.reused);
  upstream.number("tls_handshakes", snapshot.connections.tls_handshakes);
  upstream.number("tls_resumed", snapshot.connections.tls_resumed);
  upstream.number("wire_bytes_out", snapshot.connections.bytes_out);
  upstream.number("wire_bytes_in", snapshot.connections.bytes_in);
  return upstream.member("answer", to_json(stats.answer_time)).json();
}

std::string journal(const Snapshot& snapshot) {
  JsonObject journal;
  journal.number("bytes", snapshot.journal.bytes).number("segments", snapshot.journal.segments);
  journal.number("skipped_bytes", snapshot.journal.skipped_bytes);
  journal.number("write_failures", snapshot.journal.write_failures);
  return journal.number("unreadable", snapshot.stats.unreadable).json();
}

std::string to_json(const HostState& host) {
  JsonObject object;
  object.text("name", host.name).boolean("breaker_open", host.breaker_open);
  if (host.breaker_open) object.number("next_probe_ms", host.next_probe.count());
  return object.number("in_flight", host.in_flight).number("usual_ms", host.usual.count()).json();
}

std::string to_json(const LimitInForce& limit) {
  JsonObject object;
  object.text("dsn", limit.dsn).text("category", limit.category.empty() ? "all" : limit.category);
  return object.number("seconds", limit.left.count()).json();
}

std::string sum(std::uint64_t invokes, milliseconds time) {
  return JsonObject().number("invokes", invokes).number("ms", time.count()).json();
}

std::string to_json(const HostFigures::Invoke& invoke) {
  JsonObject object;
  object.text("request_id", invoke.request_id).text("begun", proto::to_rfc3339(invoke.begun));
  if (invoke.ended) object.text("ended", proto::to_rfc3339(*invoke.ended));
  object.text("asked", proto::to_rfc3339(invoke.asked));
  object.member("held_ms", invoke.held ? std::to_string(invoke.held->count()) : "null");
  object.text("for", invoke.held_for).number("accepted", invoke.accepted);
  return object.number("delivered", invoke.delivered).json();
}

std::string held(const HostFigures& host) {
  const HostFigures::Held all = host.held_in_all();
  JsonObject held;
  held.member("all", sum(all.invokes, all.time));
  for (const auto& each : host.held) held.member(each.what, sum(each.invokes, each.time));
  held.number("unknown", host.held_unknown).member("time", to_json(host.hold_time));
  const auto invoke = [](const HostFigures::Invoke& each) { return to_json(each); };
  return held.member("recent", array_of(host.recent, invoke)).json();
}

std::string telemetry(const HostFigures::Telemetry& telemetry) {
  JsonObject object;
  object.text("state", telemetry.state).number("batches", telemetry.batches);
  object.number("ignored", telemetry.ignored).number("unparsable", telemetry.unparsable);
  return object.number("other_request", telemetry.other_request).json();
}

std::string settings(const HostFigures& host) {
  JsonObject settings;
  for (const auto& setting : host.settings) {
    if (!setting.is_default) settings.text(setting.name, setting.value);
  }
  return settings.json();
}

void add_host(JsonObject& out, const HostFigures& host) {
  JsonObject failures;
  failures.number("reported", host.failures_reported);
  failures.number("unreported", host.failures_unreported);
  out.boolean("disabled", host.disabled)
      .text("pace", host.pace)
      .number("invokes", host.invokes)
      .member("held", held(host));
  out.member("failures", failures.json()).number("platform_retries", host.platform_retries);
  out.member("telemetry", telemetry(host.telemetry)).member("settings", settings(host));
}

}  // namespace

std::string to_json(const Snapshot& snapshot) {
  const Stats& stats = snapshot.stats;
  JsonObject out;
  out.number("schema", kStatsSchema).text("version", THAW_VERSION);
  out.text("started", proto::to_rfc3339(snapshot.started));
  out.text("now", proto::to_rfc3339(snapshot.now));
  out.boolean("durable", snapshot.journal.durable).member("envelopes", envelopes(snapshot));
  out.member("items", items(snapshot)).member("rejected", rejected(stats.ledger));
  out.member("local", local(snapshot)).member("upstream", upstream(snapshot));
  const auto to_text = [](const auto& each) { return to_json(each); };
  out.member("hosts", array_of(snapshot.hosts, to_text));
  out.member("limits", array_of(snapshot.limits, to_text)).member("journal", journal(snapshot));
  out.number("bytes_in", stats.bytes_in).number("bytes_out", stats.bytes_out);
  out.number("bytes_waiting", snapshot.bytes_waiting).number("task_failures", stats.task_failures);
  out.number("log_lines_dropped", snapshot.log_lines_dropped);
  add_host(out, snapshot.host);
  return out.json();
}

}  // namespace relay
