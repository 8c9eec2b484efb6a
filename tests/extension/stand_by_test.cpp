#include "extension/stand_by.hpp"

#include <csignal>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "tests/extension/fake_relay.hpp"
#include "tests/extension/log_lines.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"

namespace {

using namespace extension;
using extension_test::Diary;
using extension_test::refused;

asio::awaitable<bool> life(asio::io_context& io, Platform platform, RelayPort& relay) {
  co_await stand_by(io, platform, relay);
  co_return true;
}

struct World {
  Diary noted() {
    support::settle(io);
    return std::exchange(diary, {});
  }

  asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  Diary diary;
  extension_test::FakeExtensionsApi api{io.get_executor(), clock, diary};
  extension_test::FakeRelay relay{io.get_executor(), clock, diary};
  extension_test::LogLines lines;
  relay::Log log{{}, lines, clock};
  std::uint64_t retries = 0;
  Platform platform{api, clock, log, retries, Events::shutdown_only};
};

}  // namespace

TEST_SUITE_BEGIN("extension/stand_by");

TEST_CASE("disabled: bind, register for SHUTDOWN only, next, and nothing else until SHUTDOWN") {
  World world;
  world.relay.worth_a_line = true;
  const support::Started running(world.io, life(world.io, world.platform, world.relay));
  CHECK(world.noted() == Diary{"bind", "start", "register SHUTDOWN", "next"});
  world.api.shutdown(relay::milliseconds{2000});
  CHECK(world.noted() == Diary{"stop"});
  CHECK(world.lines.lines.size() == 1);
}

TEST_CASE("disabled: a refused registration is tried again, for SHUTDOWN only") {
  World world;
  world.api.registrations.emplace_back(refused(500, "", ""));
  const support::Started running(world.io, life(world.io, world.platform, world.relay));
  CHECK(world.noted() == Diary{"bind", "start", "register SHUTDOWN"});
  world.clock.advance(relay::milliseconds{100});
  CHECK(world.noted() == Diary{"register SHUTDOWN", "next"});
  world.api.shutdown(relay::milliseconds{2000});
  CHECK(world.noted() == Diary{"stop"});
}

TEST_CASE("disabled: SIGTERM ends it, too") {
  World world;
  const support::Started running(world.io, life(world.io, world.platform, world.relay));
  CHECK(world.noted() == Diary{"bind", "start", "register SHUTDOWN", "next"});
  REQUIRE(std::raise(SIGTERM) == 0);
  CHECK(world.noted() == Diary{"stop"});
}

TEST_SUITE_END();
