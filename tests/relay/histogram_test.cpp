#include "relay/histogram.hpp"

#include <algorithm>
#include <chrono>

#include <doctest/doctest.h>

#include "relay/decimal.hpp"

using namespace std::chrono_literals;
using relay::Histogram;

TEST_SUITE_BEGIN("relay/histogram");

TEST_CASE("a bucket holds what is at most its bound, and more than the one below") {
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    CAPTURE(i);
    Histogram histogram;
    histogram.add(Histogram::kBounds[i] - 1ns);
    histogram.add(Histogram::kBounds[i]);
    histogram.add(Histogram::kBounds[i] + 1ns);
    CHECK(histogram.buckets()[i] == 2);
    CHECK(histogram.buckets()[i + 1] == 1);
    CHECK(histogram.count() == 3);
  }
}

TEST_CASE("bounds rise") { CHECK(std::ranges::is_sorted(Histogram::kBounds)); }

TEST_CASE(
    "the sum is exact where single times are shorter than its unit; less than nothing is nothing") {
  Histogram histogram;
  for (int i = 0; i < 1000; ++i) histogram.add(1500ns);
  histogram.add(-5s);
  CHECK(histogram.sum() == 1500us);
  CHECK(histogram.buckets()[0] == 1001);
}

TEST_CASE("fractions are written exactly, without zeros at the end") {
  CHECK(relay::decimal_ms(0us) == "0");
  CHECK(relay::decimal_ms(1us) == "0.001");
  CHECK(relay::decimal_ms(250us) == "0.25");
  CHECK(relay::decimal_ms(1000us) == "1");
  CHECK(relay::decimal_ms(10000us) == "10");
  CHECK(relay::decimal_s(100us) == "0.0001");
  CHECK(relay::decimal_s(2500ms) == "2.5");
}

TEST_SUITE_END();
