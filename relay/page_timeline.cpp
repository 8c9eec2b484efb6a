#include <algorithm>

#include "proto/timestamp.hpp"
#include "relay/html.hpp"
#include "relay/page_parts.hpp"

namespace relay {
namespace {

using Invoke = HostFigures::Invoke;
using std::chrono::duration_cast;
using std::chrono::microseconds;

// A third of each bar are freezes, on a scale of their own: they may be a thousand times longer.
constexpr double kFreezePart = 30;
constexpr double kGap = 2;
constexpr double kAwakePart = 100 - kFreezePart - kGap;

struct Span {
  microseconds frozen{0};  ///< at most: from asking for this invoke to its begin
  microseconds ran{0};
  microseconds held{0};
};

microseconds between(WallTime from, WallTime to) {
  return std::max(duration_cast<microseconds>(to - from), microseconds{0});
}

Span span(const Invoke& invoke, const Invoke* before) {
  Span span;
  if (before != nullptr) span.frozen = between(before->asked, invoke.begun);
  span.held = invoke.held.value_or(milliseconds{0});
  span.ran = std::max(between(invoke.begun, invoke.asked) - span.held, microseconds{0});
  return span;
}

std::string bar(const Span& span, microseconds longest_freeze, microseconds longest_awake) {
  const auto part = [](microseconds length, microseconds of, double scale) {
    return of.count() == 0
               ? 0.0
               : scale * static_cast<double>(length.count()) / static_cast<double>(of.count());
  };
  const double frozen = part(span.frozen, longest_freeze, kFreezePart);
  html::Bar bar(100);
  bar.gap(kFreezePart - frozen).add("ice", frozen).gap(kGap);
  bar.add("run", part(span.ran, longest_awake, kAwakePart));
  return bar.add("hold", part(span.held, longest_awake, kAwakePart)).html();
}

// "18:00:00.123"
std::string time_of_day(WallTime time) { return proto::to_rfc3339(time).substr(11, 12); }

std::string held(const Invoke& invoke, const std::string& path) {
  if (!invoke.held) return "unknown";
  const auto time = static_cast<std::uint64_t>(std::max<std::int64_t>(invoke.held->count(), 0));
  std::string text = html::figure(path + "held_ms", time, html::length(*invoke.held));
  if (time > 0 && invoke.held_for != "nothing") text.append(" ").append(invoke.held_for);
  return text;
}

std::string recent(const std::vector<Invoke>& invokes) {
  std::vector<Span> spans;
  Span longest;
  for (std::size_t i = 0; i < invokes.size(); ++i) {
    const Span next = span(invokes[i], i > 0 ? &invokes[i - 1] : nullptr);
    longest.frozen = std::max(longest.frozen, next.frozen);
    longest.ran = std::max(longest.ran, next.ran + next.held);
    spans.push_back(next);
  }
  html::Table table("invokes", "The last invokes, the newest first; times in UTC",
                    {{"begun", ""},
                     {"frozen before, run, held", "bar"},
                     {"frozen", "n"},
                     {"run", "n"},
                     {"held", "n"},
                     {"accepted", "n"},
                     {"delivered", "n"},
                     {"request", "rid"}});
  for (std::size_t i = invokes.size(); i-- > 0;) {
    const std::string path = "held/recent/" + std::to_string(i) + "/";
    table.row({time_of_day(invokes[i].begun), bar(spans[i], longest.frozen, longest.ran),
               i > 0 ? html::length(spans[i].frozen) : "unknown", html::length(spans[i].ran),
               held(invokes[i], path), html::figure(path + "accepted", invokes[i].accepted),
               html::figure(path + "delivered", invokes[i].delivered),
               html::foreign(invokes[i].request_id)});
  }
  return "<p class=\"key\"><span class=\"ice\"></span> frozen, at most: on a scale of its own "
         "<span class=\"run\"></span> run <span class=\"hold\"></span> held by Thaw</p>" +
         table.html();
}

std::string sums(const HostFigures& host) {
  html::Facts facts;
  facts.add("invokes", html::figure("invokes", host.invokes));
  for (const auto& each : host.held) {
    const std::string what{each.what};
    const std::string path = "held/" + what + "/";
    const auto time = static_cast<std::uint64_t>(each.time.count());
    facts.add("held for " + what, html::figure(path + "ms", time, html::length(each.time)) + ", " +
                                      html::figure(path + "invokes", each.invokes,
                                                   html::counted(each.invokes, "time")));
  }
  facts.add("end not known", html::figure("held/unknown", host.held_unknown));
  return facts.html();
}

}  // namespace

std::string page_timeline(const Snapshot& now) {
  const HostFigures& host = now.host;
  if (host.invokes == 0 && host.recent.empty()) return "";
  return html::section("timeline", "Invokes",
                       sums(host) + (host.recent.empty() ? "" : recent(host.recent)));
}

}  // namespace relay
