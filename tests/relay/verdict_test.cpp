// What the first line of the page says, state by state.
#include "relay/verdict.hpp"

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "relay/advice.hpp"

using namespace std::chrono_literals;
using relay::Mood;

namespace {

proto::CategoryCounts errors(std::uint64_t quantity) {
  proto::CategoryCounts counts;
  counts.add(proto::Category::error, quantity);
  return counts;
}

/// So many envelopes with an error each accepted, all delivered but `others`.
relay::Snapshot came(std::uint64_t accepted, std::uint64_t others = 0) {
  relay::Snapshot now;
  now.journal.durable = true;
  now.host.pace = "adaptive";
  now.stats.envelopes_accepted = accepted;
  now.stats.envelopes_delivered = accepted - others;
  now.stats.ledger.accept(errors(accepted));
  now.stats.ledger.deliver(errors(accepted - others));
  return now;
}

relay::Snapshot waiting(std::uint64_t envelopes) {
  relay::Snapshot now = came(10, envelopes);
  now.envelopes_waiting = envelopes;
  now.oldest_waiting = 90s;
  now.waiting = errors(envelopes);
  return now;
}

}  // namespace

TEST_SUITE_BEGIN("relay/verdict");

TEST_CASE("all delivered has nothing to add") {
  const auto verdict = judge_all(came(10));
  CHECK(verdict.headline == "All delivered");
  CHECK(verdict.mood == Mood::good);
  CHECK(verdict.findings.empty());
}

TEST_CASE("nothing yet says how to begin") {
  const auto verdict = judge_all(came(0));
  CHECK(verdict.headline == "Nothing yet");
  CHECK(verdict.mood == Mood::busy);
  REQUIRE(verdict.findings.size() == 1);
  CHECK(verdict.findings[0].advice.find("DSN") != std::string::npos);
}

TEST_CASE("what waits is no loss, and the page says when it leaves") {
  auto now = waiting(1);
  auto verdict = judge_all(now);
  CHECK(verdict.headline == "1 envelope waiting");
  CHECK(verdict.mood == Mood::busy);
  REQUIRE(verdict.findings.size() == 1);
  CHECK(verdict.findings[0].what == "1 envelope waits, for 1 min 30 s");
  CHECK(verdict.findings[0].advice.find("next invoke") != std::string::npos);
  now.host.pace = "continuous";
  CHECK(judge_all(now).findings[0].advice == "nothing, Thaw tries again by itself");
  now.work.in_flight = 1;
  CHECK(judge_all(now).findings[0].advice == "nothing, it is on the way");
  verdict = judge_all(waiting(2));
  CHECK(verdict.headline == "2 envelopes waiting");
  CHECK(verdict.findings[0].what == "2 envelopes wait, the oldest for 1 min 30 s");
}

TEST_CASE("a breaker that is open names its host") {
  auto now = waiting(3);
  now.hosts.push_back({"https://up.example:443", true, 4s, 0, 0ms});
  const auto verdict = judge_all(now);
  CHECK(verdict.headline == "3 envelopes waiting");
  CHECK(verdict.mood == Mood::warning);
  REQUIRE(verdict.findings.size() == 2);
  CHECK(
      verdict.findings[0].what ==
      "https://up.example:443 does not answer, or with 502 to 504 only; it is asked again in 4 s");
  now.hosts[0].next_probe = 0ms;
  CHECK(judge_all(now).findings[0].what.ends_with("it is asked again next"));
  now.hosts[0].breaker_open = false;
  CHECK(judge_all(now).findings.size() == 1);
}

TEST_CASE("a limit in force is named with its DSN") {
  auto now = came(10);
  now.limits.push_back({"https://abcd…@up.example/42", "transaction", 58s});
  now.limits.push_back({"https://abcd…@up.example/42", "", 60s});
  const auto verdict = judge_all(now);
  CHECK(verdict.headline == "All delivered");
  CHECK(verdict.mood == Mood::warning);
  REQUIRE(verdict.findings.size() == 2);
  CHECK(verdict.findings[0].what ==
        "Sentry wants no transaction of https://abcd…@up.example/42 for 58 s");
  CHECK(verdict.findings[1].what ==
        "Sentry wants no items of https://abcd…@up.example/42 for 1 min");
}

TEST_CASE("of many limits the first are named and the rest counted") {
  auto now = came(10);
  for (std::size_t limits = 1; limits <= 6; ++limits) {
    now.limits.push_back({"https://abcd…@up.example/42", "error", 58s});
    CAPTURE(limits);
    CHECK(judge_all(now).findings.size() == std::min<std::size_t>(limits, 5));
  }
  CHECK(judge_all(now).findings[4].what == "2 more limits in force");
}

TEST_CASE("each reason for a loss has its line with advice") {
  for (std::size_t i = 0; i < relay::kDropReasonCount; ++i) {
    const auto reason = static_cast<relay::DropReason>(i);
    CAPTURE(std::string(name(reason)));
    auto now = came(10, 2);
    now.stats.ledger.drop(reason, errors(2));
    const auto verdict = judge_all(now);
    CHECK(verdict.headline == "2 of 10 items lost, all else delivered");
    CHECK(verdict.mood == Mood::bad);
    REQUIRE(verdict.findings.size() == 1);
    const std::string begin = "2 items dropped " + std::string(name(reason)) + ": ";
    CHECK(verdict.findings[0].what.starts_with(begin));
    CHECK(verdict.findings[0].what.size() > begin.size());
    CHECK(verdict.findings[0].advice == relay::advice_on(reason).to_do);
    CHECK_FALSE(verdict.findings[0].advice.empty());
  }
  for (const unsigned status : {401U, 403U, 413U, 429U, 500U}) {
    auto now = came(10, 1);
    now.stats.ledger.refuse(status, errors(1));
    const auto verdict = judge_all(now);
    CHECK(verdict.headline == "1 of 10 items lost, all else delivered");
    REQUIRE(verdict.findings.size() == 1);
    CHECK(verdict.findings[0].what.starts_with("1 item refused " + std::to_string(status) + ": "));
    CHECK(verdict.findings[0].advice == relay::advice_on_refused(status).to_do);
  }
}

TEST_CASE("each reason for a rejection has its line with advice") {
  for (std::size_t i = 0; i < relay::kRejectReasonCount; ++i) {
    const auto reason = static_cast<relay::RejectReason>(i);
    CAPTURE(std::string(name(reason)));
    auto now = came(10);
    now.stats.ledger.reject(reason);
    const auto verdict = judge_all(now);
    CHECK(verdict.headline == "1 request rejected, all else delivered");
    CHECK(verdict.mood == Mood::warning);
    REQUIRE(verdict.findings.size() == 1);
    CHECK(verdict.findings[0].what.find(name(reason)) != std::string::npos);
    CHECK_FALSE(verdict.findings[0].advice.empty());
  }
  auto first = came(0);
  first.stats.ledger.reject(relay::RejectReason::malformed);
  CHECK(judge_all(first).headline == "1 request rejected");
}

TEST_CASE("the worst comes first") {
  auto now = waiting(1);
  now.stats.ledger.accept(errors(1));
  now.stats.ledger.drop(relay::DropReason::send_error, errors(1));
  now.stats.ledger.reject(relay::RejectReason::full);
  const auto verdict = judge_all(now);
  CHECK(verdict.headline == "1 of 11 items lost, 1 envelope waiting, 1 request rejected");
  REQUIRE(verdict.findings.size() == 3);
  CHECK(verdict.findings[0].mood == Mood::bad);
  CHECK(verdict.findings[1].mood == Mood::warning);
  CHECK(verdict.findings[2].mood == Mood::busy);
}

TEST_CASE("switched off, not durable and our own failures are said") {
  auto off = came(2, 2);
  off.host.disabled = true;
  off.stats.ledger.drop(relay::DropReason::disabled, errors(2));
  CHECK(judge_all(off).headline == "Switched off");
  CHECK(judge_all(off).mood == Mood::bad);

  auto now = came(10);
  now.journal.durable = false;
  now.host.failures_unreported = 1;
  now.stats.task_failures = 1;
  const auto verdict = judge_all(now);
  CHECK(verdict.headline == "All delivered");
  CHECK(verdict.mood == Mood::warning);
  REQUIRE(verdict.findings.size() == 3);
  CHECK(verdict.findings[0].what.starts_with("Not durable"));
  now.host.settings = {{"THAW_JOURNAL", "off", false}};
  now.host.failures_unreported = now.stats.task_failures = 0;
  CHECK(judge_all(now).mood == Mood::good);
  CHECK(judge_all(now).findings.size() == 1);
}

TEST_SUITE_END();
