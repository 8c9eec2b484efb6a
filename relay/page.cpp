#include "relay/page.hpp"

#include "relay/html.hpp"
#include "relay/page_assets.hpp"
#include "relay/page_parts.hpp"
#include "relay/verdict.hpp"

namespace relay {
namespace {

std::string_view name(Mood mood) {
  switch (mood) {
    case Mood::good:
      return "good";
    case Mood::busy:
      return "busy";
    case Mood::warning:
      return "warning";
    case Mood::bad:
      return "bad";
  }
  return "bad";
}

std::string finding(const Finding& finding) {
  std::string out = "<li class=\"";
  out.append(name(finding.mood)).append("\"><b>").append(html::foreign(finding.what));
  out.append(".</b> <span>What to do: ").append(html::escaped(finding.advice));
  return out.append(".</span></li>");
}

std::string banner(const Snapshot& now, const Verdict& verdict) {
  std::string out = "<section id=\"verdict\" class=\"";
  out.append(name(verdict.mood)).append("\" aria-labelledby=\"headline\">");
  out.append("<h1 id=\"headline\">").append(html::escaped(verdict.headline)).append("</h1>");
  const auto up = std::chrono::duration_cast<std::chrono::microseconds>(now.now - now.started);
  out += html::paragraph("Thaw " THAW_VERSION ", up " + html::length(up) + ", pace " +
                         html::escaped(now.host.pace));
  if (!verdict.findings.empty()) {
    out += "<ul>";
    for (const Finding& each : verdict.findings) out += finding(each);
    out += "</ul>";
  }
  return out + "</section>";
}

std::string head(const Verdict& verdict) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><title>";
  out.append(html::escaped(verdict.headline)).append(" · Thaw</title>");
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>";
  out += "<meta name=\"color-scheme\" content=\"light dark\"/>";
  out.append("<link rel=\"icon\" href=\"").append(kIcon).append("\"/>");
  return out.append("<style>").append(kStyle).append("</style></head>");
}

// Outside of <main>, so that neither the focus nor a reader's place goes with what is renewed.
constexpr std::string_view kTop =
    "<body><header><a class=\"skip\" href=\"#headline\">To the figures</a>"
    "<p class=\"brand\">Thaw</p>"
    "<nav aria-label=\"This page\"><span id=\"live\" role=\"status\"></span> "
    "<button id=\"pause\" type=\"button\" hidden=\"hidden\">Pause</button> "
    "<a id=\"refresh\" href=\"/\">Refresh</a></nav></header><main>";

constexpr std::string_view kBottom =
    "<footer><p>The same figures: <a href=\"/stats\">/stats</a> as JSON, "
    "<a href=\"/metrics\">/metrics</a> for Prometheus. Counted since the start of this process; "
    "accepted + recovered = delivered + lost + waiting.</p></footer>";

}  // namespace

std::string to_page(const Snapshot& snapshot, std::string_view captured) {
  const Verdict verdict = judge_all(snapshot);
  std::string page = head(verdict);
  page.append(kTop).append(banner(snapshot, verdict));
  page.append(page_flow(snapshot)).append(captured);
  page += page_timeline(snapshot);
  page += page_upstream(snapshot);
  page += page_latency(snapshot);
  page += page_process(snapshot);
  page.append("</main>").append(kBottom);
  return page.append("<script>").append(kScript).append("</script></body></html>\n");
}

std::string page_headers() {
  std::string lines = "Content-Security-Policy: default-src 'none'; style-src 'sha256-";
  lines.append(kStyleHash).append("'; script-src 'sha256-").append(kScriptHash);
  lines += "'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; ";
  lines += "frame-ancestors 'none'\r\nX-Content-Type-Options: nosniff\r\n";
  return lines + "Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\n";
}

}  // namespace relay
