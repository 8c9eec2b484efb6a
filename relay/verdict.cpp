#include "relay/verdict.hpp"

#include <algorithm>
#include <functional>

#include "relay/advice.hpp"
#include "relay/html.hpp"

namespace relay {
namespace {

using html::counted;

class Judge {
 public:
  explicit Judge(const Snapshot& snapshot)
      : now_(snapshot), stats_(snapshot.stats), ledger_(snapshot.stats.ledger) {}

  Verdict verdict() {
    if (now_.host.disabled) {
      find(Mood::bad, "Everything is answered as accepted, and dropped",
           "remove THAW_DISABLED, unless that is what you want");
    }
    lost();
    rejected();
    waiting();
    limits();
    troubles();
    if (nothing_yet() && !now_.host.disabled && ledger_.rejected() == 0) {
      find(Mood::busy, "No SDK has sent anything so far",
           "give one a DSN that leads here: http://KEY@127.0.0.1:PORT/PROJECT");
    }
    out_.mood = out_.findings.empty() ? Mood::good : out_.findings.front().mood;
    out_.headline = headline();
    return std::move(out_);
  }

 private:
  void find(Mood mood, std::string what, std::string_view advice) {
    const auto behind =
        std::ranges::upper_bound(out_.findings, mood, std::greater{}, &Finding::mood);
    out_.findings.insert(behind, {mood, std::move(what), std::string(advice)});
  }

  void lost(std::uint64_t items, std::string_view how, const Advice& advice) {
    if (items == 0) return;
    lost_ += items;
    find(Mood::bad,
         counted(items, "item").append(" ").append(how).append(": ").append(advice.means),
         advice.to_do);
  }

  void lost() {
    for (const auto& [status, items] : ledger_.refused()) {
      lost(items.total(), "refused " + std::to_string(status), advice_on_refused(status));
    }
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
      const auto reason = static_cast<DropReason>(i);
      lost(ledger_.dropped(reason).total(), "dropped " + std::string(name(reason)),
           advice_on(reason));
    }
  }

  void rejected() {
    for (std::size_t i = 0; i < kRejectReasonCount; ++i) {
      const auto reason = static_cast<RejectReason>(i);
      if (ledger_.rejected(reason) == 0) continue;
      const auto [means, to_do] = advice_on(reason);
      std::string what = counted(ledger_.rejected(reason), "request") + " never acknowledged, ";
      find(Mood::warning, what.append(name(reason)).append(": ").append(means), to_do);
    }
  }

  void waiting() {
    for (const HostState& host : now_.hosts) {
      if (!host.breaker_open) continue;
      find(Mood::warning,
           host.name + " does not answer, or with 502 to 504 only; it is asked again " +
               (host.next_probe.count() > 0 ? "in " + html::length(host.next_probe) : "next"),
           "check the function's way to the internet: thaw check");
    }
    if (now_.envelopes_waiting == 0) return;
    std::string what = counted(now_.envelopes_waiting, "envelope");
    what += now_.envelopes_waiting == 1 ? " waits, for " : " wait, the oldest for ";
    find(Mood::busy, what + html::length(now_.oldest_waiting), why_nothing_is_wrong());
  }

  [[nodiscard]] std::string_view why_nothing_is_wrong() const {
    if (now_.work.in_flight + now_.work.probes > 0) return "nothing, it is on the way";
    if (now_.host.pace == "continuous") return "nothing, Thaw tries again by itself";
    return "nothing, it leaves during the next invoke or at the end of the sandbox";
  }

  void limits() {
    // There may be hundreds; all of them stand under Upstream.
    constexpr std::size_t kNamed = 4;
    for (std::size_t i = 0; i < std::min(now_.limits.size(), kNamed); ++i) {
      const LimitInForce& limit = now_.limits[i];
      std::string what = "Sentry wants no ";
      what.append(limit.category.empty() ? "items" : limit.category).append(" of ");
      what.append(limit.dsn).append(" for ").append(html::length(limit.left));
      find(Mood::warning, std::move(what), advice_on_refused(429).to_do);
    }
    if (now_.limits.size() > kNamed) {
      find(Mood::warning, counted(now_.limits.size() - kNamed, "more limit") + " in force",
           "see below, under Rate limits");
    }
  }

  void troubles() {
    if (!now_.journal.durable && !now_.host.disabled) {
      const bool wanted = std::ranges::any_of(now_.host.settings, [](const auto& setting) {
        return setting.name == "THAW_JOURNAL" && setting.value == "off";
      });
      find(wanted ? Mood::good : Mood::warning, "Not durable: what is accepted is in memory only",
           wanted ? "nothing, no journal is wanted" : "see the log about THAW_SPOOL_DIR");
    }
    if (const auto failures = now_.host.failures_unreported) {
      find(Mood::warning,
           counted(failures, "failure") + " of the function could not be told to Sentry",
           "set THAW_UPSTREAM_DSN or SENTRY_DSN");
    }
    if (stats_.task_failures > 0) {
      find(Mood::warning, counted(stats_.task_failures, "task") + " of ours failed",
           "tell us, with the log");
    }
  }

  [[nodiscard]] std::uint64_t items() const {
    return ledger_.accepted().total() + ledger_.recovered().total();
  }

  [[nodiscard]] bool nothing_yet() const {
    return stats_.envelopes_accepted + stats_.envelopes_recovered + items() == 0;
  }

  [[nodiscard]] std::string headline() const {
    if (now_.host.disabled) return "Switched off";
    std::string line;
    const auto add = [&](const std::string& part) { line += (line.empty() ? "" : ", ") + part; };
    if (lost_ > 0) add(html::grouped(lost_) + " of " + counted(items(), "item") + " lost");
    if (now_.envelopes_waiting > 0) {
      add(counted(now_.envelopes_waiting, "envelope") + " waiting");
    }
    if (const auto rejected = ledger_.rejected()) add(counted(rejected, "request") + " rejected");
    if (line.empty()) return nothing_yet() ? "Nothing yet" : "All delivered";
    const bool rest_arrived = now_.envelopes_waiting == 0 && stats_.envelopes_delivered > 0;
    return rest_arrived ? line + ", all else delivered" : line;
  }

  const Snapshot& now_;
  const Stats& stats_;
  const Ledger& ledger_;
  std::uint64_t lost_ = 0;
  Verdict out_;
};

}  // namespace

Verdict judge_all(const Snapshot& snapshot) { return Judge(snapshot).verdict(); }

}  // namespace relay
