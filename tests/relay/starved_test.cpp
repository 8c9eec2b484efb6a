// Memory that runs out at any one allocation, or at any one and some behind it: nothing ends the
// process, every envelope stays in the accounts once, what was acknowledged is kept, and when there
// is memory again all goes on.
#include <cstddef>
#include <string>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include "tests/relay/starved_world.hpp"

using relay::Gate;
using support::Limits;
using support::starve;
using support::World;

namespace {

void nothing(World&) {}

}  // namespace

TEST_SUITE_BEGIN("relay/starved");

TEST_CASE("of each kind one comes and leaves") {
  starve({}, nothing, [](World& world) {
    world.accept({"event"});
    world.accept({"transaction", "session", "attachment", "client_report"});
    world.accept_opaque();
    world.pass(1);
  });
}

TEST_CASE("a large one takes its turns, is kept and leaves") {
  const std::string items = support::item("event") +
                            support::item("attachment", std::string(relay::kMiB + 1000, 'x')) +
                            support::item("transaction");
  starve({}, nothing, [&](World& world) {
    world.accept(items);
    world.pass(1);
  });
}

TEST_CASE("the least urgent make room: in the backlog, in memory, in the journal") {
  Limits limits;
  SUBCASE("by count") { limits.backlog.max_waiting = 2; }
  SUBCASE("by bytes") { limits.backlog.max_bytes = 300; }
  SUBCASE("in the journal") { limits.spool_bytes = 2048; }
  starve(
      limits, [](World& world) { world.gate(Gate::closed); },
      [](World& world) {
        world.accept({"session"});
        world.accept({"session", "attachment"});
        world.accept({"transaction"});
        world.accept({"event"});
        world.accept({"event"});
        world.gate(Gate::open);
      });
}

TEST_CASE("the journal moves what lives to make room") {
  starve(
      {.spool_bytes = 4096},
      [](World& world) {
        world.gate(Gate::closed);
        // Of each file a half goes.
        for (int i = 0; i < 4; ++i) {
          world.accept({"event"});
          world.accept({"transaction"});
          world.upstream().answers(200);
        }
        world.upstream().otherwise_hangs = true;
      },
      [](World& world) {
        world.gate(Gate::open);
        for (int i = 0; i < 8; ++i) world.accept({"transaction"});
      });
}

TEST_CASE("upstream refuses, limits in part, fails and goes silent") {
  starve(
      {},
      [](World& world) {
        world.upstream().answers(429, "60:error:key");
        world.upstream().answers(403);
        world.upstream().answers(500);
        world.upstream().answers(500);
        world.upstream().fails(boost::asio::error::connection_refused);
        world.upstream().answers(429);
      },
      [](World& world) {
        world.accept({"event", "transaction", "attachment"});
        // Of it the limit leaves a part.
        world.accept({"event", "transaction", "session"});
        world.accept({"transaction"});
        world.pass(2000);
        world.accept({"session"});
        world.pass(5000);
        world.accept({"transaction"});
        world.pass(1000);
      });
}

TEST_CASE("a freeze cuts, and the thaw sends again") {
  starve(
      {}, [](World& world) { world.upstream().otherwise_hangs = true; },
      [](World& world) {
        world.accept({"event"});
        world.accept({"transaction"});
        world.gate(Gate::late);
        world.upstream().otherwise_hangs = false;
        world.accept({"event"});
        world.thaw();
        world.pass(1100);
      });
}

TEST_CASE("the next process finds what was left") {
  starve(
      {},
      [](World& world) {
        world.gate(Gate::closed);
        world.accept({"event", "attachment"});
        world.accept({"transaction"});
        world.accept_opaque();
        world.accept({"session"});
        world.restart();
      },
      [](World& world) {
        world.recover();
        world.recover();
        world.pass(1);
      });
}

TEST_CASE("the end: what can be sent is, the rest stays for the next process") {
  starve(
      {},
      [](World& world) {
        world.upstream().answers(500);
        world.upstream().answers(200);
        world.upstream().fails(boost::asio::error::connection_refused);
      },
      [](World& world) {
        world.accept({"event"});
        world.accept({"transaction"});
        world.drain();
        world.restart();
        world.recover();
      });
}

TEST_SUITE_END();
