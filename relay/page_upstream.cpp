#include "relay/html.hpp"
#include "relay/page_parts.hpp"

namespace relay {
namespace {

using html::figure;

std::string hosts(const std::vector<HostState>& hosts) {
  html::Table table("hosts", "What Sentry is reached through",
                    {{"host", "id"}, {"state", ""}, {"on the way", "n"}, {"last answer", "n"}});
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const HostState& host = hosts[i];
    const std::string path = "hosts/" + std::to_string(i) + "/";
    std::string state = "asked as needed";
    if (host.breaker_open) {
      state = "<strong class=\"bad\">does not answer</strong>: breaker open, asked again " +
              (host.next_probe.count() > 0 ? "in " + html::length(host.next_probe) : "next");
    }
    table.row({html::foreign(host.name), state, figure(path + "in_flight", host.in_flight),
               host.usual.count() > 0
                   ? figure(path + "usual_ms", static_cast<std::uint64_t>(host.usual.count()),
                            html::length(host.usual))
                   : "none"});
  }
  return table.empty() ? html::paragraph("No host has been asked so far.") : table.html();
}

std::string limits(const std::vector<LimitInForce>& limits) {
  html::Table table("limits", "What Sentry does not want for now",
                    {{"DSN", "id"}, {"category", ""}, {"still", "n"}});
  for (const LimitInForce& limit : limits) {
    table.row({html::foreign(limit.dsn),
               limit.category.empty() ? "all" : html::escaped(limit.category),
               html::length(limit.left)});
  }
  return table.empty() ? html::paragraph("None in force: Sentry takes everything.") : table.html();
}

std::string connections(const Snapshot& now) {
  const Stats& stats = now.stats;
  const UpstreamStats& wire = now.connections;
  html::Facts facts;
  const auto add = [&](std::string_view what, std::string_view name, std::uint64_t value) {
    facts.add(what, figure("upstream/" + std::string(name), value));
  };
  add("requests", "requests", stats.requests);
  add("of them tried again", "retries", stats.retries);
  add("without an answer", "failures", stats.failures);
  add("cut by a freeze", "cuts", stats.cuts);
  add("possible duplicates", "possible_duplicates", stats.possible_duplicates);
  add("breaker openings", "breaker_openings", stats.breaker_openings);
  add("probes", "probes", stats.probes);
  add("loss reports sent", "reports_sent", stats.reports_sent);
  add("connections made", "connects", wire.connects);
  add("requests on a kept one", "reused", wire.reused);
  add("TLS handshakes", "tls_handshakes", wire.tls_handshakes);
  add("of them resumed", "tls_resumed", wire.tls_resumed);
  facts.add("written",
            figure("upstream/wire_bytes_out", wire.bytes_out, html::bytes(wire.bytes_out)));
  facts.add("read", figure("upstream/wire_bytes_in", wire.bytes_in, html::bytes(wire.bytes_in)));
  return facts.html();
}

}  // namespace

std::string page_upstream(const Snapshot& now) {
  return html::section("upstream", "Upstream",
                       "<div class=\"columns\"><div><h3>Hosts</h3>" + hosts(now.hosts) +
                           "</div><div id=\"limits\"><h3>Rate limits</h3>" + limits(now.limits) +
                           "</div></div>" + connections(now));
}

}  // namespace relay
