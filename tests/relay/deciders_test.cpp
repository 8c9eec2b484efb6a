// The small pure deciders: due, outcome, retry_policy.
#include <algorithm>
#include <limits>

#include <doctest/doctest.h>

#include "relay/due.hpp"
#include "relay/outcome.hpp"
#include "relay/retry_policy.hpp"

using relay::Gate;
using relay::milliseconds;
using relay::Outcome;
using relay::WaitingFacts;

TEST_SUITE_BEGIN("relay/deciders");

TEST_CASE("while the gate is closed nothing leaves") {
  constexpr relay::LateRule kLate{milliseconds{250}};
  for (const bool deduplicated : {false, true}) {
    CHECK_FALSE(relay::may_leave({milliseconds{0}, milliseconds{9999}, 0, deduplicated},
                                 Gate::closed, kLate));
  }
}

TEST_CASE("while the gate is early, open or draining, what does not back off may leave") {
  constexpr relay::LateRule kLate{milliseconds{250}};
  for (const Gate gate : {Gate::early, Gate::open, Gate::draining}) {
    CHECK(relay::may_leave({milliseconds{0}, milliseconds{0}, 2, false}, gate, kLate));
    CHECK_FALSE(relay::may_leave({milliseconds{1}, milliseconds{9999}, 0, true}, gate, kLate));
  }
}

TEST_CASE(
    "while a freeze may come, only de-duplicated or long awake envelopes leave, none twice "
    "written") {
  constexpr relay::LateRule kLate{milliseconds{250}};
  const auto late = [&](WaitingFacts facts) { return relay::may_leave(facts, Gate::late, kLate); };
  CHECK(late({milliseconds{0}, milliseconds{0}, 0, true}));
  CHECK_FALSE(late({milliseconds{0}, milliseconds{249}, 0, false}));
  CHECK(late({milliseconds{0}, milliseconds{250}, 0, false}));
  CHECK(late({milliseconds{0}, milliseconds{251}, 0, false}));
  CHECK_FALSE(late({milliseconds{0}, milliseconds{9999}, 1, true}));
  CHECK_FALSE(late({milliseconds{1}, milliseconds{9999}, 0, true}));
}

TEST_CASE("where the gate opens again soon, de-duplication alone lets nothing leave") {
  const auto late = [&](WaitingFacts facts) {
    return relay::may_leave(facts, Gate::late, {milliseconds{250}, true});
  };
  CHECK_FALSE(late({milliseconds{0}, milliseconds{0}, 0, true}));
  CHECK_FALSE(late({milliseconds{0}, milliseconds{249}, 0, true}));
  CHECK(late({milliseconds{0}, milliseconds{250}, 0, true}));
}

TEST_CASE("carried: what waited leaves, what comes after it is late") {
  for (const bool soon : {false, true}) {
    const relay::LateRule rule{milliseconds{250}, soon};
    const auto leaves = [&](WaitingFacts facts) {
      return relay::may_leave(facts, Gate::carried, rule);
    };
    CHECK(leaves({milliseconds{0}, milliseconds{0}, 2, false, true}));
    CHECK_FALSE(leaves({milliseconds{1}, milliseconds{0}, 0, true, true}));
    CHECK_FALSE(leaves({milliseconds{0}, milliseconds{0}, 0, false, false}));
    CHECK(leaves({milliseconds{0}, milliseconds{0}, 0, true, false}) == !soon);
    CHECK(leaves({milliseconds{0}, milliseconds{250}, 0, false, false}));
    CHECK_FALSE(leaves({milliseconds{0}, milliseconds{9999}, 1, false, false}));
  }
}

TEST_CASE("each status has one meaning") {
  for (const unsigned status : {200U, 201U, 202U, 204U}) {
    CHECK(relay::outcome_of(status, true) == Outcome::delivered);
  }
  for (const unsigned status : {301U, 308U, 400U, 401U, 403U, 404U, 405U, 413U, 422U}) {
    CHECK(relay::outcome_of(status, true) == Outcome::refused);
  }
  CHECK(relay::outcome_of(415, true) == Outcome::recompress);
  CHECK(relay::outcome_of(415, false) == Outcome::refused);
  CHECK(relay::outcome_of(429, true) == Outcome::rate_limited);
  for (const unsigned status : {500U, 501U, 505U, 599U}) {
    CHECK(relay::outcome_of(status, true) == Outcome::retry_once);
  }
  for (const unsigned status : {502U, 503U, 504U}) {
    CHECK(relay::outcome_of(status, true) == Outcome::retry);
  }
}

TEST_CASE("the back-off grows by half from one second to a minute, its upper half jittered") {
  CHECK(relay::back_off(1, 0) == milliseconds{1000});
  CHECK(relay::back_off(2, 0) == milliseconds{1500});
  CHECK(relay::back_off(3, 0) == milliseconds{2250});
  CHECK(relay::back_off(100, 0) == milliseconds{60000});
  CHECK(relay::back_off(1, 500) == milliseconds{500});
  CHECK(relay::back_off(1, 501) == milliseconds{1000});
  const auto any = relay::back_off(100, std::numeric_limits<std::uint64_t>::max());
  CHECK(any >= milliseconds{30000});
  CHECK(any <= milliseconds{60000});
}

TEST_CASE("each pause lies between half of its length and all of it, both included") {
  milliseconds whole{1000};
  for (unsigned failures = 1; failures <= 30; ++failures) {
    CAPTURE(failures);
    const auto half = static_cast<std::uint64_t>(whole.count() / 2);
    CHECK(relay::back_off(failures, 0) == whole);
    CHECK(relay::back_off(failures, half - 1) == whole - milliseconds{half - 1});
    CHECK(relay::back_off(failures, half) == whole - milliseconds{half});
    CHECK(relay::back_off(failures, half + 1) == whole);
    whole = std::min(whole + whole / 2, milliseconds{60000});
  }
  CHECK(relay::back_off(0, 0) == milliseconds{1000});
}

TEST_CASE("an unanswered event goes again 64 times for 58 minutes, what is with others twice") {
  using proto::Deduplicated;
  const milliseconds margin = std::chrono::minutes{58};
  CHECK(relay::writes_left({Deduplicated::none, 0}) == 2);
  CHECK(relay::writes_left({Deduplicated::none, 2}) == 0);
  CHECK(relay::writes_left({Deduplicated::some, 1, milliseconds{0}}) == 2);
  CHECK(relay::writes_left({Deduplicated::all, 1, margin - milliseconds{1}}) == 64);
  CHECK(relay::writes_left({Deduplicated::all, 65, milliseconds{0}}) == 0);
  CHECK(relay::writes_left({Deduplicated::all, 1, margin}) == 2);
  CHECK(relay::writes_left({Deduplicated::all, 64, margin}) == 0);
}

TEST_CASE("after a cut two repeats go at once, each later one waits as after a failure") {
  for (unsigned full_writes = 0; full_writes <= 2; ++full_writes) {
    CHECK(relay::repeat_pause(full_writes, 0) == milliseconds{0});
  }
  for (unsigned full_writes = 3; full_writes <= 65; ++full_writes) {
    for (const std::uint64_t random : {0U, 250U, 499U}) {
      CHECK(relay::repeat_pause(full_writes, random) == relay::back_off(full_writes - 2, random));
    }
  }
}

TEST_SUITE_END();
