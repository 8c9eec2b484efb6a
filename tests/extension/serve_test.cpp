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

TEST_SUITE_BEGIN("extension/serve");

TEST_CASE("what could not be had at the start is tried again and again, until it is stopped") {
  boost::asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  extension_test::Diary diary;
  extension_test::FakeRelay relay(io.get_executor(), clock, diary);
  int turns = 0;
  const std::function<void()> on = [&] {
    if (std::ranges::count(diary, "retry") == 3 || ++turns == 100) {
      ::raise(SIGTERM);
      return;
    }
    if (clock.sleepers() > 0) clock.advance(relay::milliseconds{5000});
    boost::asio::post(io, on);
  };
  boost::asio::post(io, on);
  extension::serve(io, relay, clock, log);
  CHECK(diary == extension_test::Diary{"bind", "gate open", "start", "recover", "retry", "retry",
                                       "retry", "gate draining", "drain", "stop"});
}

namespace {

/// What `serve` says behind the counts, of a relay that has nothing to do but to end.
std::vector<std::string> said_at_end(std::size_t waiting, std::uint64_t given_up,
                                     std::uint64_t given_up_before) {
  boost::asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  support::Lines lines;
  relay::Log log{{}, lines, clock};
  extension_test::Diary diary;
  extension_test::FakeRelay relay(io.get_executor(), clock, diary);
  relay.worth_a_line = true;
  relay.figures.envelopes_waiting = waiting;
  proto::CategoryCounts before;
  before.add(proto::Category::error, given_up_before);
  relay.figures.stats.ledger.drop(relay::DropReason::network_error, before);
  relay.given_up_at_drain = given_up;
  boost::asio::post(io, [&] { boost::asio::post(io, [] { ::raise(SIGTERM); }); });
  extension::serve(io, relay, clock, log);
  REQUIRE(lines.lines.size() >= 2);
  return {lines.lines.begin() + 2, lines.lines.end()};  // behind the greeting and the counts
}

}  // namespace

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
