#include "proto/timestamp.hpp"
#include "relay/html.hpp"
#include "relay/page_parts.hpp"

namespace relay {
namespace {

using html::figure;

// "2026-11-23 18:00:00 UTC"
std::string date_and_time(WallTime time) {
  const std::string text = proto::to_rfc3339(time);
  return text.substr(0, 10) + " " + text.substr(11, 8) + " UTC";
}

std::string journal(const Snapshot& now) {
  const Journal::Figures& journal = now.journal;
  html::Facts facts;
  facts.add("accepted goes to", journal.durable ? "a file first" : "memory only: not durable");
  facts.add("size", figure("journal/bytes", journal.bytes, html::bytes(journal.bytes)));
  facts.add("files", figure("journal/segments", journal.segments));
  facts.add("damaged bytes skipped", figure("journal/skipped_bytes", journal.skipped_bytes));
  facts.add("failed writes", figure("journal/write_failures", journal.write_failures));
  facts.add("not readable again", figure("journal/unreadable", now.stats.unreadable));
  return html::section("journal", "Journal", facts.html());
}

std::string process(const Snapshot& now) {
  const HostFigures& host = now.host;
  const auto up = std::chrono::duration_cast<std::chrono::microseconds>(now.now - now.started);
  html::Facts facts;
  facts.add("version", THAW_VERSION);
  facts.add("started", date_and_time(now.started));
  facts.add("up, freezes included", html::length(up));
  facts.add("pace", html::escaped(host.pace));
  facts.add("SDK connections", figure("local/connections", now.local_connections));
  facts.add("bodies received",
            figure("bytes_in", now.stats.bytes_in, html::bytes(now.stats.bytes_in)));
  facts.add("bodies sent",
            figure("bytes_out", now.stats.bytes_out, html::bytes(now.stats.bytes_out)));
  facts.add("function failures told", figure("failures/reported", host.failures_reported));
  facts.add("not told", figure("failures/unreported", host.failures_unreported));
  facts.add("platform calls repeated", figure("platform_retries", host.platform_retries));
  facts.add("telemetry", html::escaped(host.telemetry.state));
  facts.add("telemetry batches", figure("telemetry/batches", host.telemetry.batches));
  facts.add("log lines dropped", figure("log_lines_dropped", now.log_lines_dropped));
  facts.add("tasks of ours that failed", figure("task_failures", now.stats.task_failures));
  return html::section("process", "Process", facts.html());
}

std::string settings(const std::vector<HostFigures::Setting>& settings, bool defaults) {
  html::Facts facts("settings");
  bool any = false;
  for (const auto& setting : settings) {
    if (setting.is_default != defaults) continue;
    any = true;
    facts.add("<code>" + html::foreign(setting.name) + "</code>",
              setting.value.empty() ? "empty" : html::foreign(setting.value));
  }
  return any ? facts.html() : html::paragraph("None.");
}

std::string settings(const std::vector<HostFigures::Setting>& all) {
  if (all.empty()) return "";
  return html::section("settings", "Settings in effect",
                       "<h3>Changed</h3>" + settings(all, false) + "<h3>At their default</h3>" +
                           settings(all, true));
}

}  // namespace

std::string page_process(const Snapshot& now) {
  return journal(now) + process(now) + settings(now.host.settings);
}

}  // namespace relay
