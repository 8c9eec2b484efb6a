#include "extension/commands/serve.hpp"

#include <algorithm>
#include <functional>

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

TEST_SUITE_END();
