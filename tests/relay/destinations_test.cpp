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

TEST_CASE("strangers leave the places of those that are expected") {
  const auto expected = route("z.example");
  Destinations destinations(2, Compression::zstd, 3, {expected.dsn});
  auto* first = destinations.find_or_add(route("a.example"));
  REQUIRE(first != nullptr);
  CHECK(destinations.find_or_add(route("b.example")) == nullptr);
  CHECK(destinations.find_or_add(route("a.example")) == first);
  auto* awaited = destinations.find_or_add(expected);
  REQUIRE(awaited != nullptr);
  CHECK(destinations.find_or_add(expected) == awaited);
  CHECK(destinations.find_or_add(route("b.example")) == nullptr);
}

TEST_CASE("more expected than allowed: the first to come are taken, and no stranger") {
  Destinations destinations(1, Compression::zstd, 3,
                            {route("a.example").dsn, route("b.example").dsn});
  CHECK(destinations.find_or_add(route("c.example")) == nullptr);
  CHECK(destinations.find_or_add(route("b.example")) != nullptr);
  CHECK(destinations.find_or_add(route("a.example")) == nullptr);
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
