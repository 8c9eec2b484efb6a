#include "extension/next_loop.hpp"

#include <stdexcept>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <doctest/doctest.h>

#include "tests/extension/fake_extensions_api.hpp"
#include "tests/extension/log_lines.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"

namespace {

using namespace extension;
using extension_test::refused;
using relay::milliseconds;

struct World {
  asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  extension_test::Diary diary;
  extension_test::FakeExtensionsApi api{io.get_executor(), clock, diary};
  extension_test::LogLines lines;
  relay::Log log{{}, lines, clock};
  std::uint64_t retries = 0;
  Platform platform{api, clock, log, retries};

  // Lets `pause` pass and no more; whether something was waiting for exactly that.
  bool waits_exactly(milliseconds pause) {
    const auto calls = diary.size();
    clock.advance(pause - milliseconds{1});
    support::settle(io);
    if (diary.size() != calls) return false;
    clock.advance(milliseconds{1});
    support::settle(io);
    return diary.size() > calls;
  }
};

asio::awaitable<bool> bare(Platform platform) {
  co_await next_loop(platform);
  co_return true;
}

asio::awaitable<void> fail() {
  throw std::runtime_error("the whole life fails");
  co_return;
}

asio::awaitable<void> end_at_once() { co_return; }

// Nobody will ever go on with it.
asio::awaitable<void> lose_itself() {
  const auto forget = [](auto&&) {};
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(forget, asio::use_awaitable);
}

}  // namespace

TEST_SUITE_BEGIN("extension/next_loop");

TEST_CASE("a refused registration is tried again every 100 ms, and said once") {
  World world;
  for (int i = 0; i < 3; ++i) {
    world.api.registrations.emplace_back(refused(500, "Platform.Trouble", "later"));
  }
  support::Started registration(world.io, register_for_ever(world.platform));
  support::settle(world.io);
  for (int i = 0; i < 3; ++i) CHECK(world.waits_exactly(milliseconds{100}));
  CHECK(registration.get().events == Events::invoke_and_shutdown);
  CHECK(world.retries == 3);
  REQUIRE(world.lines.lines.size() == 1);
  CHECK(world.lines.lines[0].find("500 Platform.Trouble later") != std::string::npos);
}

TEST_CASE("a platform that cannot be reached is said in the system's words") {
  World world;
  world.api.registrations.emplace_back(
      asio::error::make_error_code(asio::error::connection_refused));
  support::Started registration(world.io, register_for_ever(world.platform));
  support::settle(world.io);
  CHECK(world.waits_exactly(milliseconds{100}));
  static_cast<void>(registration.get());
  REQUIRE(world.lines.lines.size() == 1);
  CHECK(world.lines.lines[0].find("Connection refused") != std::string::npos);
}

TEST_CASE("what registration tells is handed on") {
  World world;
  world.api.registrations.emplace_back(proto::Registration{"checkout", "7", "", ""});
  const auto registered = support::run(world.io, register_for_ever(world.platform));
  CHECK(registered.registration.function_name == "checkout");
}

TEST_CASE("another refusal with the same status is none of INVOKE") {
  World world;
  world.api.registrations.emplace_back(refused(403, "Extension.Forbidden", ""));
  support::Started registration(world.io, register_for_ever(world.platform));
  support::settle(world.io);
  world.clock.advance(milliseconds{100});
  CHECK(registration.get().events == Events::invoke_and_shutdown);
  CHECK(world.diary == extension_test::Diary{"register", "register"});
}

TEST_CASE("where SHUTDOWN alone is refused, too, it begins anew, and not at once") {
  World world;
  for (int i = 0; i < 2; ++i) {
    world.api.registrations.emplace_back(
        refused(403, "Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType"));
  }
  support::Started registration(world.io, register_for_ever(world.platform));
  support::settle(world.io);
  CHECK(world.diary == extension_test::Diary{"register", "register SHUTDOWN"});
  CHECK(world.waits_exactly(milliseconds{100}));
  CHECK(registration.get().events == Events::invoke_and_shutdown);
}

TEST_CASE("where INVOKE is not to be had SHUTDOWN alone is registered, at once") {
  World world;
  world.api.registrations.emplace_back(
      refused(403, "Extension.InvalidEventType", "INVOKE: ErrorInvalidEventType"));
  CHECK(support::run(world.io, register_for_ever(world.platform)).events == Events::shutdown_only);
  CHECK(world.diary == extension_test::Diary{"register", "register SHUTDOWN"});
  CHECK(world.lines.lines.empty());
}

TEST_CASE("a name without a file is not mistaken for that") {
  World world;
  world.api.registrations.emplace_back(
      refused(403, "Extension.InvalidEventType",
              "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension"));
  support::Started registration(world.io, register_for_ever(world.platform));
  support::settle(world.io);
  world.clock.advance(milliseconds{100});
  CHECK(registration.get().events == Events::invoke_and_shutdown);
  CHECK(world.diary == extension_test::Diary{"register", "register"});
}

TEST_CASE("next is asked again 100 ms after a lost connection or while a lost one is pending") {
  World world;
  world.api.deliver(boost::system::error_code(asio::error::connection_reset));
  world.api.deliver(refused(403, "Extension.InvalidExtensionState",
                            "State transition from Ready to Ready failed for extension x"));
  world.api.deliver(boost::system::error_code(asio::error::no_descriptors));
  world.api.shutdown(milliseconds{2000});
  support::Started next(world.io, next_event(world.platform));
  support::settle(world.io);
  for (int i = 0; i < 3; ++i) CHECK(world.waits_exactly(milliseconds{100}));
  CHECK(std::holds_alternative<proto::ShutdownEvent>(next.get()));
  CHECK(world.retries == 3);
  CHECK(world.lines.lines.size() == 2);
}

TEST_CASE("other refusals of next are repeated every second, for ever") {
  World world;
  for (int i = 0; i < 100; ++i) {
    world.api.deliver(i % 2 == 0 ? refused(500, "", "") : refused(403, "Extension.Unknown", ""));
  }
  support::Started next(world.io, next_event(world.platform));
  support::settle(world.io);
  for (int i = 0; i < 100; ++i) CHECK(world.waits_exactly(milliseconds{1000}));
  CHECK_FALSE(next.done());
  CHECK(world.lines.lines.size() == 1);
  world.api.shutdown(std::nullopt);
  next.get();
}

TEST_CASE("a client that throws is asked again") {
  World world;
  world.api.throws = 2;
  world.api.shutdown(std::nullopt);
  support::Started loop(world.io, bare(world.platform));
  support::settle(world.io);
  CHECK(world.waits_exactly(milliseconds{100}));
  CHECK(world.waits_exactly(milliseconds{100}));
  CHECK(loop.get());
  CHECK(world.lines.lines.size() == 1);
}

TEST_CASE("a client that throws when asked for next is asked again, and that is said") {
  World world;
  support::run(world.io, register_for_ever(world.platform));
  world.api.throws = 1;
  world.api.shutdown(std::nullopt);
  support::Started next(world.io, next_event(world.platform));
  support::settle(world.io);
  CHECK(world.waits_exactly(milliseconds{100}));
  next.get();
  CHECK(world.lines.lines.size() == 1);
}

TEST_CASE("what is survived is said; a cancellation goes on") {
  World world;
  const auto survived = [&](boost::system::error_code code) {
    try {
      throw boost::system::system_error(code);
    } catch (...) {
      survive(world.log);
    }
  };
  CHECK_THROWS(survived(asio::error::operation_aborted));
  CHECK(world.lines.lines.empty());
  CHECK_NOTHROW(survived(asio::error::no_memory));
  CHECK(world.lines.lines.size() == 1);
}

TEST_CASE("the bare loop registers if need be and asks until SHUTDOWN") {
  World world;
  world.api.invoke("r1", milliseconds{3000});
  world.api.invoke("r2", milliseconds{3000});
  world.api.shutdown(milliseconds{2000});
  CHECK(support::run(world.io, bare(world.platform)));
  CHECK(world.diary == extension_test::Diary{"register", "next", "next", "next"});
  world.api.shutdown(milliseconds{2000});
  CHECK(support::run(world.io, bare(world.platform)));
  CHECK(world.diary.size() == 5);  // registered it is still
}

TEST_CASE("cancelled, it ends and says nothing") {
  World world;
  const boost::system::error_code aborted = asio::error::operation_aborted;
  world.api.registrations.emplace_back(aborted);
  world.api.deliver(aborted);
  support::Started registration(world.io, register_for_ever(world.platform));
  support::settle(world.io);
  world.clock.advance(milliseconds{100});
  registration.get();
  CHECK(world.diary == extension_test::Diary{"register", "register"});
  support::Started next(world.io, next_event(world.platform));
  support::settle(world.io);
  next.cancel();
  CHECK(next.cancelled());
  CHECK(world.lines.lines.empty());
}

TEST_CASE("hold_out: a life that ends well is all there is") {
  World world;
  CHECK(hold_out(world.io, end_at_once(), world.platform));
  CHECK(world.diary.empty());
}

TEST_CASE("hold_out: a life that throws gives way to the bare loop") {
  World world;
  world.api.invoke("r1", milliseconds{3000});
  world.api.shutdown(milliseconds{2000});
  CHECK_FALSE(hold_out(world.io, fail(), world.platform));
  CHECK(world.diary == extension_test::Diary{"register", "next", "next"});
  REQUIRE(world.lines.lines.size() == 1);
  CHECK(world.lines.lines[0].find("the whole life fails") != std::string::npos);
}

TEST_CASE("hold_out: a life that is lost gives way to the bare loop, too") {
  World world;
  world.api.shutdown(milliseconds{2000});
  CHECK_FALSE(hold_out(world.io, lose_itself(), world.platform));
  CHECK(world.diary == extension_test::Diary{"register", "next"});
}

TEST_CASE("hold_out: a handler that throws does not end the life") {
  World world;
  asio::post(world.io, [] { throw std::runtime_error("a handler fails"); });
  CHECK(hold_out(world.io, end_at_once(), world.platform));
  CHECK(world.lines.lines.size() == 1);
}

TEST_SUITE_END();
