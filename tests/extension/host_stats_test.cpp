#include "extension/host_stats.hpp"

#include <chrono>

#include <doctest/doctest.h>

namespace {

using namespace extension;
using relay::milliseconds;
using relay::WallTime;

const WallTime kBegun{std::chrono::hours{400'000}};

Holds::Invoke held(HeldFor what, milliseconds time) {
  Holds::Invoke invoke;
  invoke.request_id = to_string(what);
  invoke.begun = kBegun;
  invoke.ended = kBegun + milliseconds{40};
  invoke.asked = *invoke.ended + time;
  invoke.what = what;
  invoke.accepted = 3;
  invoke.delivered = 2;
  return invoke;
}

}  // namespace

TEST_SUITE_BEGIN("extension/host_stats");

TEST_CASE("each count of the host's is shown under its own name") {
  HostStats stats;
  stats.disabled = true;
  stats.pace = "prompt";
  stats.invokes = 1;
  stats.other_records = 2;
  stats.failures_reported = 3;
  stats.failures_unreported = 4;
  stats.platform_retries = 5;
  stats.telemetry = TelemetryState::silent;
  stats.telemetry_posts = {6, 7, 8};
  stats.settings = {{"THAW_PACE", "prompt", false}};

  const relay::HostFigures figures = figures_of(stats);
  CHECK(figures.disabled);
  CHECK(figures.pace == "prompt");
  CHECK(figures.invokes == 1);
  CHECK(figures.failures_reported == 3);
  CHECK(figures.failures_unreported == 4);
  CHECK(figures.platform_retries == 5);
  CHECK(figures.telemetry.state == "silent");
  CHECK(figures.telemetry.batches == 6);
  CHECK(figures.telemetry.ignored == 7);
  CHECK(figures.telemetry.unparsable == 8);
  CHECK(figures.telemetry.other_request == 2);
  REQUIRE(figures.settings.size() == 1);
  CHECK(figures.settings[0].name == "THAW_PACE");
}

TEST_CASE("holds are shown by what they were for, with those of unknown length and the last ones") {
  HostStats stats;
  stats.holds.asked(held(HeldFor::telemetry, milliseconds{26}));
  stats.holds.asked(held(HeldFor::delivery, milliseconds{80}));
  Holds::Invoke unknown = held(HeldFor::probe, milliseconds{0});
  unknown.ended.reset();
  stats.holds.asked(unknown);

  const relay::HostFigures figures = figures_of(stats);
  REQUIRE(figures.held.size() == kHeldForCount);
  for (const auto& sum : figures.held) {
    CAPTURE(std::string(sum.what));
    const int time = sum.what == "telemetry" ? 26 : sum.what == "delivery" ? 80 : 0;
    CHECK(sum.time == milliseconds{time});
    CHECK(sum.invokes == (time == 0 ? 0 : 1));
  }
  CHECK(figures.held_unknown == 1);
  CHECK(figures.hold_time.count() == 2);

  REQUIRE(figures.recent.size() == 3);
  const auto& second = figures.recent[1];
  CHECK(second.request_id == "delivery");
  CHECK(second.begun == kBegun);
  CHECK(second.ended == kBegun + milliseconds{40});
  CHECK(second.asked == kBegun + milliseconds{120});
  CHECK(second.held == milliseconds{80});
  CHECK(second.held_for == "delivery");
  CHECK(second.accepted == 3);
  CHECK(second.delivered == 2);
  CHECK_FALSE(figures.recent[2].held);
}

TEST_SUITE_END();
