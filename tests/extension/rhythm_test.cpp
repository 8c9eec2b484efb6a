#include "extension/rhythm.hpp"

#include <vector>

#include <doctest/doctest.h>

namespace {

using extension::Rhythm;
using relay::milliseconds;
using relay::WallTime;

class Invokes {
 public:
  /// One more, so long after the one before.
  Invokes& after(std::int64_t ms, bool urgent = false) {
    now_ += milliseconds{ms};
    rhythm.invoked(now_, urgent);
    return *this;
  }

  Invokes& times(int count, std::int64_t ms) {
    for (int i = 0; i < count; ++i) after(ms);
    return *this;
  }

  Rhythm rhythm;

 private:
  WallTime now_{std::chrono::hours{400'000}};
};

constexpr milliseconds kLimit{2000};

}  // namespace

TEST_SUITE_BEGIN("extension/rhythm");

TEST_CASE("soon needs 8 invokes, and a mean gap up to the limit") {
  CHECK_FALSE(Invokes().times(7, 100).rhythm.soon(kLimit));
  CHECK(Invokes().times(8, 100).rhythm.soon(kLimit));
  CHECK(Invokes().times(8, 1999).rhythm.soon(kLimit));
  CHECK(Invokes().times(8, 2000).rhythm.soon(kLimit));
  CHECK_FALSE(Invokes().times(8, 2001).rhythm.soon(kLimit));
}

TEST_CASE("the mean gives the last gap an eighth") {
  Invokes invokes;
  invokes.times(20, 1000).after(3000);  // 1000 + 2000 / 8
  CHECK(invokes.rhythm.soon(milliseconds{1250}));
  CHECK_FALSE(invokes.rhythm.soon(milliseconds{1249}));
}

TEST_CASE(
    "after a pause, more than four times the mean, the next one is not soon; after it, it is") {
  // 100 + (gap - 100) / 8, four times: a gap of 700 is exactly the limit.
  CHECK(Invokes().times(20, 100).after(700).rhythm.soon(kLimit));
  CHECK_FALSE(Invokes().times(20, 100).after(701).rhythm.soon(kLimit));
  CHECK(Invokes().times(20, 100).after(701).after(100).rhythm.soon(kLimit));
}

TEST_CASE("a clock that steps back is no gap, and one that steps forward is a pause") {
  CHECK(Invokes().times(20, 100).after(-3'600'000).rhythm.soon(kLimit));
  CHECK_FALSE(Invokes().times(20, 100).after(3'600'000).rhythm.soon(kLimit));
}

TEST_CASE("quiet: 32 invokes were seen to their end, and none of them brought anything urgent") {
  CHECK_FALSE(Invokes().times(32, 100).rhythm.quiet());
  CHECK(Invokes().times(33, 100).rhythm.quiet());
  Invokes invokes;
  invokes.times(50, 100).after(100, true);
  CHECK_FALSE(invokes.rhythm.quiet());
  CHECK_FALSE(invokes.times(31, 100).rhythm.quiet());
  CHECK(invokes.times(1, 100).rhythm.quiet());
}

TEST_SUITE_END();
