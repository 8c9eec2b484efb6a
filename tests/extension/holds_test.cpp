#include "extension/holds.hpp"

#include <optional>
#include <string>
#include <utility>

#include <doctest/doctest.h>

namespace {

using extension::HeldFor;
using extension::Holds;
using relay::milliseconds;
using relay::WallTime;

const WallTime kStart{std::chrono::hours{400'000}};

WallTime at(int ms) { return kStart + milliseconds{ms}; }

Holds::Invoke invoke(std::string id, WallTime asked, std::optional<WallTime> ended, HeldFor what) {
  Holds::Invoke invoke;
  invoke.request_id = std::move(id);
  invoke.asked = asked;
  invoke.ended = ended;
  invoke.what = what;
  return invoke;
}

}  // namespace

TEST_SUITE_BEGIN("extension/holds");

TEST_CASE("a hold is the time from the function's end to asking for next, and has a reason") {
  Holds holds;
  holds.asked(invoke("a", at(126), at(100), HeldFor::telemetry));
  holds.asked(invoke("b", at(280), at(200), HeldFor::delivery));
  holds.asked(invoke("c", at(800), at(300), HeldFor::probe));
  CHECK(holds.of(HeldFor::telemetry).time == milliseconds{26});
  CHECK(holds.of(HeldFor::delivery).time == milliseconds{80});
  CHECK(holds.of(HeldFor::probe).time == milliseconds{500});
  CHECK(holds.of(HeldFor::nothing).invokes == 0);
  CHECK(holds.of(HeldFor::probe).invokes == 1);
  CHECK(holds.times().count() == 3);
  CHECK(holds.times().sum() == milliseconds{606});
  CHECK(holds.unknown() == 0);
}

TEST_CASE("who asked before the end held nothing, whatever was waited for") {
  Holds holds;
  holds.asked(invoke("a", at(80), std::nullopt, HeldFor::delivery));
  CHECK(holds.unknown() == 1);
  CHECK_FALSE(holds.recent().back().held);
  CHECK(holds.ended("a", at(200)));
  CHECK(holds.recent().back().held == milliseconds{0});
  CHECK(holds.recent().back().ended == at(200));
  CHECK(holds.recent().back().what == HeldFor::nothing);
  CHECK(holds.of(HeldFor::delivery).invokes == 0);
  CHECK(holds.of(HeldFor::nothing).invokes == 0);
  CHECK(holds.unknown() == 0);
}

TEST_CASE("an end told after next was asked still counts, once, and only for its own invoke") {
  Holds holds;
  holds.asked(invoke("a", at(80), std::nullopt, HeldFor::delivery));
  CHECK_FALSE(holds.ended("b", at(20)));
  CHECK(holds.ended("a", at(20)));
  CHECK_FALSE(holds.ended("a", at(10)));
  CHECK(holds.of(HeldFor::delivery).time == milliseconds{60});
}

TEST_CASE(
    "an end is the last attempt's at a request, though that of an earlier one was never told") {
  Holds holds;
  holds.asked(invoke("a", at(80), std::nullopt, HeldFor::delivery));
  holds.asked(invoke("a", at(60'080), std::nullopt, HeldFor::delivery));
  CHECK(holds.ended("a", at(60'050)));
  CHECK(holds.recent().back().held == milliseconds{30});
  CHECK_FALSE(holds.recent().front().held);
  CHECK(holds.unknown() == 1);
}

TEST_CASE("the last 16 are remembered; of the others the sums, and what stayed unknown") {
  Holds holds;
  for (int i = 0; i < 17; ++i) {
    holds.asked(invoke(std::to_string(i), at(0), std::nullopt, HeldFor::nothing));
  }
  CHECK(holds.recent().size() == Holds::kRecent);
  CHECK(holds.recent().front().request_id == "1");
  CHECK_FALSE(holds.ended("0", at(0)));
  CHECK(holds.ended("1", at(0)));
  CHECK(holds.unknown() == 16);
}

TEST_SUITE_END();
