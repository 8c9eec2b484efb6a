#include "relay/resolver.hpp"

#include <cstdlib>
#include <list>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "relay/errc.hpp"
#include "tests/support/fake_name_server.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"

namespace {

using boost::asio::ip::make_address;
using relay::Errc;
using relay::milliseconds;
using Addresses = relay::Resolver::Addresses;
using Answer = proto::Result<Addresses>;

struct Fixture {
  boost::asio::io_context io{1};
  support::ManualClock clock{io.get_executor()};
  support::FakeNameServer server{io};
  relay::Resolver resolver{io.get_executor(), clock, {.name_servers = {server.address()}}};

  Answer resolve(const char* host) { return support::run(io, resolver.resolve(host)); }
};

/// A name server's domains to search, where c-ares reads them in the place of resolv.conf's
/// (c-ares/c-ares: src/lib/ares_init.c).
struct SearchDomain {
  explicit SearchDomain(const char* domain) { ::setenv("LOCALDOMAIN", domain, 1); }

  ~SearchDomain() { ::unsetenv("LOCALDOMAIN"); }

  SearchDomain(const SearchDomain&) = delete;
  SearchDomain& operator=(const SearchDomain&) = delete;
};

}  // namespace

TEST_SUITE("relay/resolver") {
  TEST_CASE_FIXTURE(Fixture, "a literal is answered without asking anybody") {
    CHECK(resolve("203.0.113.9").value() == Addresses{make_address("203.0.113.9")});
    CHECK(resolve("2001:db8::1").value() == Addresses{make_address("2001:db8::1")});
    CHECK(server.questions == 0);
  }

  TEST_CASE_FIXTURE(Fixture, "both families are asked for, and IPv4 comes first") {
    server.records["a.test"] = {
        {make_address("2001:db8::1"), make_address("203.0.113.1"), make_address("203.0.113.2")}};
    const auto found = resolve("a.test");
    REQUIRE(found.has_value());
    REQUIRE(found->size() == 3);
    CHECK((*found)[0].is_v4());
    CHECK((*found)[1].is_v4());
    CHECK((*found)[2] == make_address("2001:db8::1"));
  }

  TEST_CASE_FIXTURE(Fixture, "where a name is found, no other is asked for") {
    const SearchDomain search("corp.test");
    server.records["four.test"] = {{make_address("203.0.113.1")}};
    server.records["four.test.corp.test"] = {{make_address("2001:db8::1")}};
    CHECK(resolve("four.test").value() == Addresses{make_address("203.0.113.1")});
    CHECK(server.questions == 2);
  }

  TEST_CASE_FIXTURE(Fixture,
                    "a name is looked for below the search domains where it is not found") {
    const SearchDomain search("corp.test");
    server.records["relay.corp.test"] = {{make_address("203.0.113.1")}};
    server.records["relay.eu.corp.test"] = {{make_address("203.0.113.2")}};
    CHECK(resolve("relay").value() == Addresses{make_address("203.0.113.1")});
    CHECK(resolve("relay.eu").value() == Addresses{make_address("203.0.113.2")});
    CHECK(resolve("nobody.test").error() == Errc::name_not_found);
  }

  TEST_CASE_FIXTURE(Fixture, "a name of the hosts file needs no name server") {
    server.silent = true;
    const auto found = resolve("localhost");
    REQUIRE(found.has_value());
    CHECK(found->front().is_loopback());
    CHECK(server.questions == 0);
  }

  TEST_CASE_FIXTURE(Fixture, "a name that does not exist, or has no address, is not found") {
    CHECK(resolve("nobody.test").error() == Errc::name_not_found);
    server.records["empty.test"] = {};
    CHECK(resolve("empty.test").error() == Errc::name_not_found);
    CHECK(resolve("a..test").error() == Errc::name_not_found);
  }

  TEST_CASE_FIXTURE(Fixture, "a name server that fails is told from a missing name") {
    server.failing = true;
    CHECK(resolve("a.test").error() == Errc::name_server_failed);

    relay::Resolver unusable(io.get_executor(), clock, {.name_servers = {"not an address"}});
    CHECK(support::run(io, unusable.resolve("a.test")).error() == Errc::name_server_failed);
  }

  TEST_CASE_FIXTURE(Fixture, "a lookup at a dead name server ends at once when cancelled") {
    server.silent = true;
    support::Started<Answer> lookup(io, resolver.resolve("a.test"));
    support::until(io, [&] { return server.questions > 0; });
    CHECK_FALSE(lookup.done());
    lookup.cancel();
    CHECK(lookup.cancelled());  // the clock stands still: nothing else could end it
  }

  TEST_CASE_FIXTURE(Fixture,
                    "IPv4 addresses wait 50 ms for a name server that is silent about IPv6") {
    server.records["a.test"] = {{make_address("203.0.113.1"), make_address("2001:db8::1")}, 60};
    server.silent_about_ipv6 = true;
    support::Started<Answer> lookup(io, resolver.resolve("a.test"));
    support::until(io, [&] { return server.questions == 2; });
    support::settle(io);
    clock.advance(milliseconds{49});
    support::settle(io);
    CHECK_FALSE(lookup.done());
    clock.advance(milliseconds{1});
    CHECK(lookup.get().value() == Addresses{make_address("203.0.113.1")});

    // Half an answer is not kept.
    server.silent_about_ipv6 = false;
    CHECK(resolve("a.test")->size() == 2);
  }

  TEST_CASE_FIXTURE(
      Fixture, "IPv6 addresses wait half a second for a name server that is silent about IPv4") {
    server.records["a.test"] = {{make_address("203.0.113.1"), make_address("2001:db8::1")}, 60};
    server.silent_about_ipv4 = true;
    support::Started<Answer> lookup(io, resolver.resolve("a.test"));
    support::until(io, [&] { return server.questions == 2; });
    support::settle(io);
    clock.advance(milliseconds{499});
    support::settle(io);
    CHECK_FALSE(lookup.done());
    clock.advance(milliseconds{1});
    CHECK(lookup.get().value() == Addresses{make_address("2001:db8::1")});
  }

  TEST_CASE_FIXTURE(Fixture, "an answer lives its TTL by wall clock, to the millisecond") {
    server.records["a.test"] = {{make_address("203.0.113.1")}, 60};
    REQUIRE(resolve("a.test").has_value());
    const int asked = server.questions;

    clock.freeze(milliseconds{0}, milliseconds{59'999});
    REQUIRE(resolve("a.test").has_value());
    CHECK(server.questions == asked);

    clock.freeze(milliseconds{0}, milliseconds{1});
    REQUIRE(resolve("a.test").has_value());
    CHECK(server.questions == 2 * asked);
  }

  TEST_CASE_FIXTURE(
      Fixture,
      "after a wall clock has stepped back an answer lives its TTL once more, not longer") {
    server.records["a.test"] = {{make_address("203.0.113.1")}, 60};
    REQUIRE(resolve("a.test").has_value());
    const int asked = server.questions;
    clock.freeze(milliseconds{0}, milliseconds{-3'600'000});
    REQUIRE(resolve("a.test").has_value());
    CHECK(server.questions == asked);
    clock.freeze(milliseconds{0}, milliseconds{60'000});
    REQUIRE(resolve("a.test").has_value());
    CHECK(server.questions == 2 * asked);
  }

  TEST_CASE_FIXTURE(Fixture, "a TTL of zero is not kept, nor is anything after forget()") {
    server.records["zero.test"] = {{make_address("203.0.113.1")}, 0};
    server.records["long.test"] = {{make_address("203.0.113.1")}, 3600};
    REQUIRE(resolve("zero.test").has_value());
    const int asked = server.questions;
    REQUIRE(resolve("zero.test").has_value());
    CHECK(server.questions == 2 * asked);

    REQUIRE(resolve("long.test").has_value());
    resolver.forget();
    REQUIRE(resolve("long.test").has_value());
    CHECK(server.questions == 4 * asked);
  }

  TEST_CASE_FIXTURE(Fixture, "who waits for an answer gets it, though it is not kept") {
    server.records["a.test"] = {{make_address("203.0.113.1")}, 0};
    const auto burst = [&](const char* host, boost::system::error_code failed) {
      std::list<support::Started<Answer>> lookups;
      for (int i = 0; i < 16; ++i) lookups.emplace_back(io, resolver.resolve(host));
      support::until(io, [&] { return server.questions > 1; });
      support::settle(io);
      clock.advance(milliseconds{50});
      for (auto& lookup : lookups) {
        const Answer found = lookup.get();
        CHECK((found ? boost::system::error_code() : found.error()) == failed);
      }
      return std::exchange(server.questions, 0);
    };
    CHECK(burst("a.test", {}) == 2);
    server.silent_about_ipv6 = true;
    CHECK(burst("a.test", {}) == 2);
    server.silent_about_ipv6 = false;
    server.failing = true;
    CHECK_FALSE(resolve("b.test").has_value());
    const int one = std::exchange(server.questions, 0);
    CHECK(burst("c.test", Errc::name_server_failed) == one);
  }

  TEST_CASE_FIXTURE(Fixture, "what was asked before forget() is not kept behind it") {
    server.records["a.test"] = {{make_address("203.0.113.1")}, 3600};
    support::Started<Answer> lookup(io, resolver.resolve("a.test"));
    support::until(io, [&] { return server.questions == 1; });
    REQUIRE_FALSE(lookup.done());
    resolver.forget();
    support::Started<Answer> later(io, resolver.resolve("a.test"));
    CHECK(lookup.get().has_value());
    CHECK(later.get().has_value());
    CHECK(server.questions == 4);
  }

  TEST_CASE_FIXTURE(Fixture, "of 65 names the one learnt first is forgotten") {
    for (int i = 0; i < 65; ++i) {
      const std::string host = "n" + std::to_string(i) + ".test";
      server.records[host] = {{make_address("203.0.113.1")}, 3600};
      clock.advance(milliseconds{1});
      REQUIRE(resolve(host.c_str()).has_value());
    }
    const int asked = server.questions;
    REQUIRE(resolve("n1.test").has_value());
    CHECK(server.questions == asked);
    REQUIRE(resolve("n0.test").has_value());
    CHECK(server.questions > asked);
  }

  TEST_CASE_FIXTURE(Fixture, "a name that is learnt anew takes the place of none") {
    for (int i = 0; i < 64; ++i) {
      const std::string host = "n" + std::to_string(i) + ".test";
      server.records[host] = {{make_address("203.0.113.1")}, i == 63 ? 1U : 3600U};
      clock.advance(milliseconds{1});
      REQUIRE(resolve(host.c_str()).has_value());
    }
    clock.advance(milliseconds{1000});
    REQUIRE(resolve("n63.test").has_value());
    const int asked = server.questions;
    REQUIRE(resolve("n0.test").has_value());
    CHECK(server.questions == asked);
  }

  TEST_CASE_FIXTURE(
      Fixture, "two who ask for one name share the question, and survive each other's cancel") {
    server.records["a.test"] = {{make_address("203.0.113.1")}, 60};
    server.silent = true;
    support::Started<Answer> first(io, resolver.resolve("a.test"));
    support::Started<Answer> second(io, resolver.resolve("a.test"));
    support::until(io, [&] { return server.questions > 0; });
    support::settle(io);
    const int asked = server.questions;
    CHECK(asked <= 2);  // A and AAAA, of one lookup

    server.silent = false;
    first.cancel();
    CHECK(second.get().has_value());
    CHECK(first.cancelled());
    CHECK(server.questions > asked);
  }
}
