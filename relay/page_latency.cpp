#include <algorithm>

#include "relay/decimal.hpp"
#include "relay/html.hpp"
#include "relay/page_parts.hpp"

namespace relay {
namespace {

// The shortest bound that so many of a hundred are within.
std::string within(const Histogram& times, std::uint64_t percent) {
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    below += times.buckets()[i];
    if (below * 100 >= times.count() * percent) return html::length(Histogram::kBounds[i]);
  }
  return "more";
}

std::string buckets(const Histogram& times, std::string_view id, std::string_view caption,
                    const std::string& path) {
  const auto& counts = times.buckets();
  std::size_t first = 0;
  while (counts[first] == 0) ++first;
  std::size_t last = counts.size() - 1;
  while (counts[last] == 0) --last;
  const auto most = static_cast<double>(*std::ranges::max_element(counts));
  html::Table table(id, caption, {{"up to", "n"}, {"share", "bar"}, {"times", "n"}});
  for (std::size_t i = first; i <= last; ++i) {
    const bool above = i == Histogram::kBounds.size();
    const std::string at = path + (above ? "more" : decimal_ms(Histogram::kBounds[i]));
    table.row({above ? "more" : html::length(Histogram::kBounds[i]),
               html::Bar(most).add("run", static_cast<double>(counts[i])).html(),
               counts[i] > 0 ? html::figure(at, counts[i]) : "0"});
  }
  return table.html();
}

std::string histogram(const Histogram& times, std::string_view id, std::string_view caption,
                      const std::string& path) {
  std::string out = "<div><h3>" + std::string(caption) + "</h3>";
  if (times.count() == 0) return out + "<p>None so far.</p></div>";
  out += "<p>" + html::figure(path + "/count", times.count()) + " in all; half within <b>";
  out += within(times, 50) + "</b>, 99 of 100 within <b>" + within(times, 99) + "</b></p>";
  return out + buckets(times, id, caption, path + "/buckets/") + "</div>";
}

}  // namespace

std::string page_latency(const Snapshot& now) {
  std::string all = "<div class=\"columns\">";
  all += histogram(now.stats.accept_time, "accept", "Accepting an envelope", "local/accept");
  all += histogram(now.stats.answer_time, "answer", "Answers of Sentry", "upstream/answer");
  if (now.host.invokes > 0) {
    all += histogram(now.host.hold_time, "hold", "Holding an invoke", "held/time");
  }
  return html::section("latency", "How long it took", all + "</div>");
}

}  // namespace relay
