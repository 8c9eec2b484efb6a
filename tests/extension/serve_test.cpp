#include "extension/commands/serve.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <doctest/doctest.h>
#include <signal.h>

#include "tests/extension/fake_relay.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/manual_clock.hpp"

namespace {

struct World {
  void serve() { extension::serve(io, relay, clock, log); }

  boost::asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  extension_test::Diary diary;
  extension_test::FakeRelay relay{io.get_executor(), clock, diary};
};

/// What `serve` says behind the counts, of a relay that has nothing to do but to end.
std::vector<std::string> said_at_end(std::size_t waiting, std::uint64_t given_up,
                                     std::uint64_t given_up_before) {
  World world;
  world.relay.worth_a_line = true;
  world.relay.figures.envelopes_waiting = waiting;
  proto::CategoryCounts before;
  before.add(proto::Category::error, given_up_before);
  world.relay.figures.stats.ledger.drop(relay::DropReason::network_error, before);
  world.relay.given_up_at_drain = given_up;
  boost::asio::post(world.io, [&] { boost::asio::post(world.io, [] { ::raise(SIGTERM); }); });
  world.serve();
  REQUIRE(world.lines.lines.size() >= 2);
  return {world.lines.lines.begin() + 2,
          world.lines.lines.end()};  // behind the greeting and the counts
}

}  // namespace

TEST_SUITE_BEGIN("extension/serve");

TEST_CASE("what could not be had at the start is tried again and again, until it is stopped") {
  World world;
  int turns = 0;
  const std::function<void()> on = [&] {
    if (std::ranges::count(world.diary, "retry") == 3 || ++turns == 100) {
      ::raise(SIGTERM);
      return;
    }
    if (world.clock.sleepers() > 0) world.clock.advance(relay::milliseconds{5000});
    boost::asio::post(world.io, on);
  };
  boost::asio::post(world.io, on);
  world.serve();
  CHECK(world.diary == extension_test::Diary{"bind", "gate open", "start", "recover", "retry",
                                             "retry", "retry", "gate draining", "drain", "stop"});
}

TEST_CASE("what waits at the end is in the journal, what is in none is said to be lost") {
  using Said = std::vector<std::string>;
  CHECK(said_at_end(0, 0, 5) == Said{});
  CHECK(said_at_end(2, 0, 5) ==
        Said{"thaw: 2 not delivered: kept in THAW_SPOOL_DIR, the next start sends them\n"});
  CHECK(said_at_end(0, 3, 5) ==
        Said{"thaw: items lost, for they were not delivered and are in no journal: 3\n"});
  CHECK(said_at_end(2, 3, 0).size() == 2);
}

TEST_SUITE_END();
