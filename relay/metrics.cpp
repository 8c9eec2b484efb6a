#include "relay/metrics.hpp"

#include <algorithm>
#include <concepts>
#include <initializer_list>
#include <utility>

#include "relay/decimal.hpp"

namespace relay {
namespace {

using proto::Category;

struct Label {
  std::string_view name, value;
};

using Labels = std::initializer_list<Label>;

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

/// One metric family: its description, then its samples.
class Family {
 public:
  Family(std::string& out, std::string_view name, std::string_view type, std::string_view help)
      : out_(out), name_("thaw_" + std::string(name)) {
    out_.append("# TYPE ").append(name_).append(" ").append(type).append("\n");
    if (name_.ends_with("_seconds")) out_.append("# UNIT ").append(name_).append(" seconds\n");
    if (name_.ends_with("_bytes")) out_.append("# UNIT ").append(name_).append(" bytes\n");
    out_.append("# HELP ").append(name_).append(" ").append(help).append("\n");
  }

  Family& sample(std::string_view suffix, Labels labels, std::string_view value) {
    out_.append(name_).append(suffix);
    std::string_view before = "{";
    for (const Label& label : labels) {
      out_.append(std::exchange(before, ",")).append(label.name).append("=\"");
      out_.append(escaped(label.value)).append("\"");
    }
    out_.append(labels.size() > 0 ? "} " : " ").append(value).append("\n");
    return *this;
  }

  Family& sample(std::string_view suffix, Labels labels, std::unsigned_integral auto value) {
    return sample(suffix, labels, std::to_string(value));
  }

 private:
  std::string& out_;
  std::string name_;
};

class Metrics {
 public:
  explicit Metrics(const Snapshot& snapshot)
      : snapshot_(snapshot), stats_(snapshot.stats), ledger_(snapshot.stats.ledger) {}

  std::string text() {
    info();
    items();
    fates();
    envelopes();
    upstream();
    hosts();
    times("accept_seconds", "From a whole local request to its answer", stats_.accept_time);
    times("upstream_answer_seconds", "From the begin of an upstream request to its answer",
          stats_.answer_time);
    journal();
    host();
    return std::move(out_) + "# EOF\n";
  }

 private:
  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    Family(out_, name, "counter", help).sample("_total", {}, value);
  }

  void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    Family(out_, name, "gauge", help).sample("", {}, value);
  }

  void times(std::string_view name, std::string_view help, const Histogram& histogram) {
    Family family(out_, name, "histogram", help);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
      below += histogram.buckets()[i];
      family.sample("_bucket", {{"le", decimal_s(Histogram::kBounds[i])}}, below);
    }
    family.sample("_bucket", {{"le", "+Inf"}}, histogram.count());
    family.sample("_count", {}, histogram.count()).sample("_sum", {}, decimal_s(histogram.sum()));
  }

  void info() {
    Family(out_, "build", "info", "What runs").sample("_info", {{"version", THAW_VERSION}}, 1U);
    const auto awake = snapshot_.now - snapshot_.started;
    const auto seconds = std::chrono::duration_cast<std::chrono::microseconds>(awake);
    Family(out_, "uptime_seconds", "gauge", "Wall time since the start, freezes included")
        .sample("", {}, decimal_s(std::max(seconds, std::chrono::microseconds{0})));
    gauge("durable", "1: what is accepted goes to a file first", snapshot_.journal.durable ? 1 : 0);
  }

  template <class Counts>
  void by_category(std::string_view name, std::string_view type, std::string_view help,
                   const Counts& counts) {
    Family family(out_, name, type, help);
    for (const Category category : proto::all_categories()) {
      if (!seen(category)) continue;
      family.sample(type == "counter" ? "_total" : "", {{"category", proto::name(category)}},
                    std::uint64_t{counts[category]});
    }
  }

  [[nodiscard]] bool seen(Category category) const {
    return ledger_.accepted()[category] + ledger_.recovered()[category] > 0;
  }

  void items() {
    by_category("items_accepted", "counter", "Items acknowledged", ledger_.accepted());
    by_category("items_recovered", "counter", "Items left by an earlier process",
                ledger_.recovered());
    by_category("items_delivered", "counter", "Items that upstream took", ledger_.delivered());
    by_category("items_waiting", "gauge", "Items without a fate yet", snapshot_.waiting);
  }

  void fates() {
    {
      Family family(out_, "items_refused", "counter", "Items that upstream did not want");
      for (const auto& [status, counts] : ledger_.refused()) {
        for (const Category category : proto::all_categories()) {
          if (counts[category] == 0) continue;
          family.sample("_total",
                        {{"category", proto::name(category)}, {"status", std::to_string(status)}},
                        std::uint64_t{counts[category]});
        }
      }
    }
    {
      Family family(out_, "items_dropped", "counter", "Items given up");
      for (std::size_t i = 0; i < kDropReasonCount; ++i) {
        const auto reason = static_cast<DropReason>(i);
        for (const Category category : proto::all_categories()) {
          const std::uint64_t count = ledger_.dropped(reason)[category];
          if (count == 0) continue;
          family.sample("_total", {{"category", proto::name(category)}, {"reason", name(reason)}},
                        count);
        }
      }
    }
    Family family(out_, "requests_rejected", "counter", "Local requests never acknowledged");
    for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
      const auto reason = static_cast<RejectReason>(i);
      family.sample("_total", {{"reason", name(reason)}}, ledger_.rejected(reason));
    }
  }

  void envelopes() {
    counter("envelopes_accepted", "Envelopes acknowledged", stats_.envelopes_accepted);
    counter("envelopes_recovered", "Left by an earlier process", stats_.envelopes_recovered);
    counter("envelopes_delivered", "Envelopes that upstream took", stats_.envelopes_delivered);
    counter("envelopes_lost", "Refused or given up whole", stats_.envelopes_lost);
    gauge("envelopes_waiting", "Envelopes without a fate yet", snapshot_.envelopes_waiting);
    Family(out_, "oldest_waiting_seconds", "gauge", "Age of the oldest envelope that waits")
        .sample("", {}, decimal_s(snapshot_.oldest_waiting));
    gauge("waiting_bytes", "Bodies that wait in memory", snapshot_.bytes_waiting);
    counter("received_bytes", "Bodies as they came", stats_.bytes_in);
    counter("sent_bytes", "Bodies as they left", stats_.bytes_out);
    gauge("local_connections", "Connections to the port", snapshot_.local_connections);
  }

  void upstream() {
    counter("upstream_requests", "Upstream requests begun", stats_.requests);
    counter("upstream_retries", "Of them, repeated ones", stats_.retries);
    counter("upstream_failures", "Upstream requests without an answer", stats_.failures);
    counter("upstream_cuts", "Upstream requests taken away by a freeze", stats_.cuts);
    counter("possible_duplicates", "Sent again after a full write", stats_.possible_duplicates);
    counter("breaker_openings", "Hosts found not worth asking", stats_.breaker_openings);
    counter("probes", "Requests that asked whether they are again", stats_.probes);
    counter("client_reports_sent", "Client reports that upstream took", stats_.reports_sent);
    const UpstreamStats& wire = snapshot_.connections;
    counter("upstream_connects", "Connections made", wire.connects);
    counter("upstream_reused", "Requests on a connection that was there", wire.reused);
    counter("tls_handshakes", "TLS handshakes, resumed ones too", wire.tls_handshakes);
    counter("tls_resumed", "Resumed ones", wire.tls_resumed);
    counter("wire_out_bytes", "Upstream bytes written", wire.bytes_out);
    counter("wire_in_bytes", "Upstream bytes read", wire.bytes_in);
  }

  void hosts() {
    {
      Family family(out_, "breaker_open", "gauge", "1: the host is only probed");
      for (const HostState& host : snapshot_.hosts) {
        family.sample("", {{"host", host.name}}, host.breaker_open ? 1U : 0U);
      }
    }
    gauge("limits_in_force", "Rate limits of all DSNs", snapshot_.limits.size());
  }

  void journal() {
    gauge("journal_bytes", "All segment files", snapshot_.journal.bytes);
    gauge("journal_segments", "Segment files", snapshot_.journal.segments);
    counter("journal_skipped_bytes", "Damaged, found in recovery", snapshot_.journal.skipped_bytes);
    counter("journal_write_failures", "Writes the disk refused", snapshot_.journal.write_failures);
    counter("journal_unreadable", "Requests that could not be read back", stats_.unreadable);
    counter("log_lines_dropped", "Log lines that did not fit", snapshot_.log_lines_dropped);
    counter("task_failures", "Tasks of ours that ended with an exception", stats_.task_failures);
  }

  void host() {
    const HostFigures& host = snapshot_.host;
    gauge("disabled", "1: everything is answered as accepted, and dropped", host.disabled ? 1 : 0);
    counter("invokes", "INVOKE events", host.invokes);
    // An end that is told late is taken off again.
    gauge("invokes_held_unknown", "Invokes whose end was not told so far", host.held_unknown);
    {
      Family family(out_, "invokes_held", "counter", "Invokes held beyond the function's end");
      for (const auto& held : host.held)
        family.sample("_total", {{"for", held.what}}, held.invokes);
    }
    {
      Family family(out_, "held_seconds", "counter", "Time of such holds");
      for (const auto& held : host.held) {
        family.sample("_total", {{"for", held.what}}, decimal_s(held.time));
      }
    }
    times("hold_seconds", "From the function's end to asking for the next event", host.hold_time);
    counter("failures_reported", "Failures of the function told to Sentry", host.failures_reported);
    counter("failures_unreported", "Those that could not be", host.failures_unreported);
    counter("platform_retries", "Calls to the Extensions API made again", host.platform_retries);
    counter("telemetry_batches", "Batches of platform telemetry", host.telemetry.batches);
  }

  const Snapshot& snapshot_;
  const Stats& stats_;
  const Ledger& ledger_;
  std::string out_;
};

}  // namespace

std::string to_openmetrics(const Snapshot& snapshot) { return Metrics(snapshot).text(); }

}  // namespace relay
