// What people are told of a loss: everything has its own words, and they are the README's.
#include "relay/advice.hpp"

#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include <doctest/doctest.h>

using relay::Advice;
using relay::DropReason;
using relay::RejectReason;

namespace {

/// The README's table, as plain text: its marks of code say nothing, and it repeats nothing.
std::string readme() {
  std::ifstream file(THAW_README);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto begin = text.find("### What becomes of an envelope");
  REQUIRE(begin != std::string::npos);
  text = text.substr(begin, text.find("\n## ", begin) - begin);
  std::erase(text, '`');
  constexpr std::string_view kSame = "as for 429";
  if (const auto at = text.find(kSame); at != std::string::npos) {
    text.replace(at, kSame.size(), relay::advice_on_refused(429).to_do);
  }
  return text;
}

bool is_row(const std::string& fate, const Advice& advice) {
  const std::string row =
      "| " + fate + " | " + std::string(advice.means) + " | " + std::string(advice.to_do) + " |\n";
  CAPTURE(row);
  return readme().find(row) != std::string::npos;
}

template <class Reason>
void check_all_differ(std::size_t count) {
  std::set<std::string_view> told;
  for (std::size_t i = 0; i < count; ++i) {
    const auto reason = static_cast<Reason>(i);
    CAPTURE(std::string(name(reason)));
    CHECK_FALSE(relay::advice_on(reason).to_do.empty());
    CHECK(told.insert(relay::advice_on(reason).means).second);
  }
}

}  // namespace

TEST_SUITE_BEGIN("relay/advice");

TEST_CASE("each reason to drop or to reject has words of its own") {
  check_all_differ<DropReason>(relay::kDropReasonCount);
  check_all_differ<RejectReason>(relay::kRejectReasonCount);
}

TEST_CASE("the README says of each reason to drop what the code says") {
  for (std::size_t i = 0; i < relay::kDropReasonCount; ++i) {
    const auto reason = static_cast<DropReason>(i);
    const std::string fate = "dropped " + std::string(name(reason));
    CAPTURE(fate);
    CHECK(is_row(fate, relay::advice_on(reason)));
  }
}

TEST_CASE("the README says of each refusal what the code says") {
  for (const unsigned status : {401U, 403U}) {
    CHECK(is_row("refused 401, 403", relay::advice_on_refused(status)));
  }
  CHECK(is_row("refused 429", relay::advice_on_refused(429)));
  CHECK(is_row("refused 3xx", relay::advice_on_refused(301)));
  for (const unsigned status : {413U, 400U, 404U}) {
    CHECK(is_row("refused 413, other 4xx", relay::advice_on_refused(status)));
  }
}

TEST_CASE("of a redirect the DSN is to blame, not what the SDK sent") {
  const auto other = relay::advice_on_refused(404);
  for (const unsigned status : {301U, 302U, 307U, 308U}) {
    const auto advice = relay::advice_on_refused(status);
    CHECK(advice.means.find("redirect") != std::string::npos);
    CHECK(advice.to_do.find("DSN") != std::string::npos);
    CHECK(advice.to_do != other.to_do);
  }
  CHECK(relay::advice_on_refused(400).means == other.means);
}

TEST_CASE("the README names each reason to reject") {
  std::string fate = "rejected";
  for (std::size_t i = 0; i < relay::kRejectReasonCount; ++i) {
    fate.append(i == 0 ? " " : ", ").append(name(static_cast<RejectReason>(i)));
  }
  CHECK(readme().find("| " + fate + " |") != std::string::npos);
}

TEST_SUITE_END();
