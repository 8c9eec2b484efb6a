#include "relay/breaker.hpp"

#include <string_view>
#include <vector>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using relay::Breaker;
using relay::milliseconds;
using relay::WallTime;

namespace {

constexpr unsigned kThreshold = 3;
constexpr WallTime kStart = WallTime{std::chrono::sys_days{2026y / 11 / 23}} + 18h;

/// One that opened at `kStart`.
Breaker opened() {
  Breaker breaker{kThreshold};
  for (unsigned i = 0; i < kThreshold; ++i) breaker.failed(kStart);
  return breaker;
}

enum class Event { success, failure, probe, nothing };

}  // namespace

TEST_SUITE_BEGIN("relay/breaker");

TEST_CASE("its life, event by event") {
  struct Row {
    std::string_view what;
    milliseconds at;
    Event event;
    bool open;
    milliseconds until_probe;
  };

  const std::vector<Row> rows{
      {"failures that are not in a row leave it closed", 0s, Event::failure, false, 0s},
      {"", 0s, Event::failure, false, 0s},
      {"", 0s, Event::success, false, 0s},
      {"", 0s, Event::failure, false, 0s},
      {"", 0s, Event::failure, false, 0s},
      {"the third in a row opens it", 10s, Event::failure, true, 1s},
      {"one that was under way meanwhile changes nothing", 10s + 400ms, Event::failure, true,
       600ms},
      {"a millisecond before its time no probe is due", 11s - 1ms, Event::nothing, true, 1ms},
      {"then one is", 11s, Event::nothing, true, 0s},
      {"the pause doubles with each probe", 11s, Event::probe, true, 2s},
      {"and is not longer for the time the probe took", 12s, Event::failure, true, 1s},
      {"a probe that was cut tells nothing; the next is due all the same", 13s, Event::probe, true,
       4s},
      {"", 17s, Event::probe, true, 8s},
      {"", 25s, Event::probe, true, 16s},
      {"", 41s, Event::probe, true, 32s},
      {"a minute is the longest pause", 73s, Event::probe, true, 60s},
      {"", 133s, Event::probe, true, 60s},
      {"a probe that begins late has its pause from then", 500s, Event::probe, true, 60s},
      {"the first success closes it", 501s, Event::success, false, 0s},
      {"and it takes all the failures anew to open it", 502s, Event::failure, false, 0s},
      {"", 502s, Event::failure, false, 0s},
      {"with the first pause", 502s, Event::failure, true, 1s},
  };
  Breaker breaker{kThreshold};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    CAPTURE(i);
    CAPTURE(row.what);
    const WallTime now = kStart + row.at;
    if (row.event == Event::success) breaker.succeeded();
    if (row.event == Event::failure) breaker.failed(now);
    if (row.event == Event::probe) breaker.probe_begun(now);
    CHECK(breaker.open() == row.open);
    CHECK(breaker.until_probe(now) == row.until_probe);
    CHECK(breaker.probe_due(now) == (row.open && row.until_probe == 0s));
  }
}

TEST_CASE("it opens at the failure that is named, not before") {
  for (const unsigned threshold : {1U, 2U, 3U, 10U}) {
    CAPTURE(threshold);
    Breaker breaker{threshold};
    for (unsigned i = 1; i < threshold; ++i) breaker.failed(kStart);
    CHECK_FALSE(breaker.open());
    breaker.failed(kStart);
    CHECK(breaker.open());
    breaker.failed(kStart);
    CHECK(breaker.open());
  }
  Breaker zero{0};
  CHECK_FALSE(zero.open());
  zero.failed(kStart);
  CHECK(zero.open());
}

TEST_CASE("closed, it has no probes") {
  Breaker breaker{kThreshold};
  breaker.probe_begun(kStart);
  CHECK_FALSE(breaker.probe_due(kStart));
  breaker.failed(kStart);
  breaker.failed(kStart);
  breaker.failed(kStart);
  CHECK(breaker.until_probe(kStart) == 1s);
}

TEST_CASE("a part of a millisecond is waited for") {
  Breaker breaker = opened();
  CHECK(breaker.until_probe(kStart + 1s - 1ns) == 1ms);
  CHECK_FALSE(breaker.probe_due(kStart + 1s - 1ns));
  CHECK(breaker.probe_due(kStart + 1s));
}

TEST_CASE("a freeze counts: after hours a probe is due, one") {
  Breaker breaker = opened();
  const WallTime thawed = kStart + 5h;
  CHECK(breaker.probe_due(thawed));
  breaker.probe_begun(thawed);
  CHECK_FALSE(breaker.probe_due(thawed));
  CHECK(breaker.until_probe(thawed) == 2s);
}

TEST_CASE("a clock that steps back an hour delays the probe by one pause at most") {
  Breaker breaker = opened();
  breaker.probe_begun(kStart + 1s);
  WallTime now = kStart + 2s - 1h;
  CHECK(breaker.until_probe(now) == 2s);
  CHECK(breaker.until_probe(now + 1s) == 1s);
  CHECK(breaker.probe_due(now + 2s));
  breaker.probe_begun(now + 2s);
  CHECK(breaker.until_probe(now + 2s) == 4s);
}

TEST_CASE("a clock that steps forward an hour and back makes one probe early, not many") {
  Breaker breaker = opened();
  const WallTime ahead = kStart + 500ms + 1h;
  CHECK(breaker.probe_due(ahead));
  breaker.probe_begun(ahead);
  CHECK_FALSE(breaker.probe_due(ahead));
  const WallTime back = kStart + 600ms;
  CHECK(breaker.until_probe(back) == 2s);
  CHECK(breaker.until_probe(back + 1s) == 1s);
  CHECK(breaker.probe_due(back + 2s));
}

TEST_CASE("a clock that trembles neither keeps it waiting nor makes it spam") {
  Breaker breaker = opened();
  breaker.probe_begun(kStart + 1s);
  unsigned probes = 0;
  for (milliseconds passed{0}; passed < 60s; passed += 10ms) {
    const milliseconds tremble = passed.count() % 20 == 0 ? 15ms : -15ms;
    const WallTime now = kStart + 1s + passed + tremble;
    if (!breaker.probe_due(now)) continue;
    breaker.probe_begun(now);
    ++probes;
  }
  CHECK(probes == 4);  // after 2, 4, 8 and 16 s: the next would be at 62
}

TEST_SUITE_END();
