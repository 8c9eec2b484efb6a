#include "relay/destinations.hpp"

#include <doctest/doctest.h>

#include "tests/support/envelopes.hpp"

using relay::Compression;
using relay::Destinations;
using support::route;

TEST_SUITE_BEGIN("relay/destinations");

TEST_CASE("as many DSNs as allowed are remembered; the next one is refused, the known stay known") {
  Destinations destinations(2, Compression::zstd, 3);
  auto* first = destinations.find_or_add(route("a.example"));
  auto* second = destinations.find_or_add(route("b.example"));
  REQUIRE(first != nullptr);
  REQUIRE(second != nullptr);
  CHECK(first != second);
  CHECK(destinations.find_or_add(route("c.example")) == nullptr);
  CHECK(destinations.find_or_add(route("a.example")) == first);
  CHECK(destinations.find_or_add(route("b.example")) == second);
}

TEST_CASE("two projects of one host are two DSNs") {
  Destinations destinations(2, Compression::zstd, 3);
  CHECK(destinations.find_or_add(route("a.example", 1)) !=
        destinations.find_or_add(route("a.example", 2)));
  CHECK(destinations.find_or_add(route("a.example", 3)) == nullptr);
}

TEST_CASE("the last one used is the last one asked for") {
  Destinations destinations(2, Compression::zstd, 3);
  CHECK(destinations.last_used() == nullptr);
  auto* first = destinations.find_or_add(route("a.example"));
  auto* second = destinations.find_or_add(route("b.example"));
  CHECK(destinations.last_used() == second);
  CHECK(destinations.find_or_add(route("a.example")) == first);
  CHECK(destinations.last_used() == first);
}

TEST_CASE("the DSNs of one host share it, and another port is another host") {
  Destinations destinations(9, Compression::gzip, 3);
  auto* first = destinations.find_or_add(route("a.example", 1));
  auto* second = destinations.find_or_add(route("a.example", 2));
  auto* other = destinations.find_or_add(route("a.example:8443", 1));
  CHECK(first->host == second->host);
  CHECK(first->host != other->host);
  CHECK(first->host->compression == Compression::gzip);
  CHECK(destinations.hosts().size() == 2);
}

TEST_SUITE_END();
