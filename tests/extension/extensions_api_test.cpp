#include "extension/extensions_api.hpp"

#include <string>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "proto/errc.hpp"
#include "relay/errc.hpp"
#include "tests/extension/fake_platform.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"

namespace {

using namespace extension;
using extension_test::FakePlatform;
using relay::milliseconds;

constexpr auto kId = "Lambda-Extension-Identifier: 4c9e0d2e-0000-4000-8000-000000000001\r\n";
constexpr auto kIdentifier = "4c9e0d2e-0000-4000-8000-000000000001";

struct World {
  asio::io_context io;
  FakePlatform platform{io};
  support::ManualClock clock{io.get_executor()};
  HttpExtensionsApi api{io.get_executor(), clock, platform.address(), "thaw"};

  template <class T>
  T run(asio::awaitable<T> op) {
    return support::run(io, std::move(op));
  }

  void register_it() {
    platform.will_answer(200, "{}", kId);
    REQUIRE(run(api.register_for(Events::invoke_and_shutdown)).has_value());
  }
};

const Refused& refusal(const auto& reply) {
  REQUIRE(reply.has_value());
  REQUIRE(std::holds_alternative<Refused>(*reply));
  return std::get<Refused>(*reply);
}

}  // namespace

TEST_SUITE_BEGIN("extension/extensions_api");

TEST_CASE("an address is an address, or localhost, with a port") {
  CHECK(parse_api_address("127.0.0.1:9001")->port() == 9001);
  CHECK(parse_api_address("localhost:9001")->address().to_string() == "127.0.0.1");
  CHECK(parse_api_address("169.254.100.1:9001")->address().to_string() == "169.254.100.1");
  CHECK(parse_api_address("[::1]:9001")->address().to_string() == "::1");
  for (const auto* bad : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000",
                          "127.0.0.1:9x", "runtime.local:9001", ":9001"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_api_address(bad));
  }
}

TEST_CASE("register names itself, asks for both events and the account, keeps the identifier") {
  World world;
  world.platform.will_answer(200, R"({"functionName":"f","functionVersion":"$LATEST"})", kId);
  CHECK_FALSE(world.api.registered());
  const auto reply = world.run(world.api.register_for(Events::invoke_and_shutdown));
  REQUIRE(reply.has_value());
  CHECK(std::get<proto::Registration>(*reply).function_name == "f");
  CHECK(world.api.registered());

  const auto& request = world.platform.requests.at(0);
  CHECK(extension_test::first_line(request) == "POST /2020-01-01/extension/register HTTP/1.1");
  CHECK(extension_test::header(request, "Lambda-Extension-Name") == "thaw");
  CHECK(extension_test::header(request, "Lambda-Extension-Accept-Feature") == "accountId");
  CHECK(extension_test::header(request, "Host") == world.platform.address());
  CHECK(extension_test::header(request, "Content-Type") == "application/json");
  const std::string body = extension_test::body(request);
  CHECK(body == R"({"events":["INVOKE","SHUTDOWN"]})");
  CHECK(extension_test::header(request, "Content-Length") == std::to_string(body.size()));
}

TEST_CASE("a name that no file has gives way to the file's own, and that to it again") {
  World world;
  HttpExtensionsApi api(world.io.get_executor(), world.clock, world.platform.address(), "typo",
                        "thaw");
  const auto register_it = [&](std::string_view why, const std::string& name, int status = 403) {
    world.platform.will_answer(
        status,
        R"({"errorType":"Extension.InvalidEventType","errorMessage":")" + std::string(why) + "\"}");
    static_cast<void>(refusal(world.run(api.register_for(Events::invoke_and_shutdown))));
    CHECK(extension_test::header(world.platform.requests.back(), "Lambda-Extension-Name") == name);
  };
  constexpr auto kNoFile = "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension";
  register_it(kNoFile, "typo");
  register_it("INVOKE: ErrorInvalidEventType", "thaw");
  register_it(kNoFile, "thaw");
  register_it(kNoFile, "typo");
  // Nothing that goes into a header: it is not even read.
  register_it("", "thaw", 400);
  register_it("", "typo", 500);
  register_it("", "typo");
}

TEST_CASE("where there is no other name it is kept, whatever is refused") {
  World world;
  for (int i = 0; i < 2; ++i) {
    world.platform.will_answer(400, "{}");
    static_cast<void>(refusal(world.run(world.api.register_for(Events::invoke_and_shutdown))));
    CHECK(extension_test::header(world.platform.requests.back(), "Lambda-Extension-Name") ==
          "thaw");
  }
}

TEST_CASE("register can ask for SHUTDOWN only") {
  World world;
  world.platform.will_answer(200, "{}", kId);
  REQUIRE(world.run(world.api.register_for(Events::shutdown_only)).has_value());
  CHECK(extension_test::body(world.platform.requests.at(0)) == R"({"events":["SHUTDOWN"]})");
}

TEST_CASE("a refusal carries its status and the platform's words") {
  World world;
  world.platform.will_answer(
      403, R"({"errorType":"Extension.InvalidEventType","errorMessage":"INVOKE: no"})");
  const auto reply = world.run(world.api.register_for(Events::invoke_and_shutdown));
  CHECK(refusal(reply).status == 403);
  CHECK(refusal(reply).error.type == "Extension.InvalidEventType");
  CHECK(refusal(reply).error.message == "INVOKE: no");
  CHECK_FALSE(world.api.registered());
}

TEST_CASE("a registration without an identifier is none") {
  World world;
  world.platform.will_answer(200, "{}");
  CHECK_FALSE(world.run(world.api.register_for(Events::invoke_and_shutdown)).has_value());
  CHECK_FALSE(world.api.registered());
}

TEST_CASE("next sends the identifier and returns the event") {
  World world;
  world.register_it();
  world.platform.will_answer(
      200, R"({"eventType":"INVOKE","requestId":"r1","deadlineMs":1795456803000})");
  world.platform.will_answer(200, R"({"eventType":"SHUTDOWN","shutdownReason":"spindown"})");

  const auto invoke = world.run(world.api.next());
  REQUIRE(invoke.has_value());
  const auto& event = std::get<proto::LambdaEvent>(*invoke);
  CHECK(std::get<proto::InvokeEvent>(event).request_id == "r1");
  const auto& request = world.platform.requests.at(1);
  CHECK(extension_test::first_line(request) == "GET /2020-01-01/extension/event/next HTTP/1.1");
  CHECK(extension_test::header(request, "Lambda-Extension-Identifier") == kIdentifier);

  const auto shutdown = world.run(world.api.next());
  REQUIRE(shutdown.has_value());
  CHECK(std::holds_alternative<proto::ShutdownEvent>(std::get<proto::LambdaEvent>(*shutdown)));
}

TEST_CASE("that next has been asked is told before it is answered; of no other call it is") {
  World world;
  int asked = 0;
  world.api.on_asked([&] { ++asked; });
  world.register_it();
  world.platform.will_answer(200, "\"OK\"");
  const auto deadline = world.clock.now() + milliseconds{50};
  REQUIRE(world.run(world.api.subscribe_telemetry({"u"}, deadline)).has_value());
  CHECK(asked == 0);
  world.platform.will_be_silent();
  support::Started next(world.io, world.api.next());
  support::until(world.io, [&] { return world.platform.requests.size() == 3; });
  CHECK(asked == 1);
}

TEST_CASE("a next that is refused carries the platform's words, too") {
  World world;
  world.register_it();
  world.platform.will_answer(403, R"({"errorType":"Extension.InvalidExtensionState"})");
  const auto reply = world.run(world.api.next());
  CHECK(refusal(reply).status == 403);
  CHECK(refusal(reply).error.type == "Extension.InvalidExtensionState");
}

TEST_CASE("next has no time limit") {
  World world;
  world.register_it();
  world.platform.will_be_silent();
  support::Started next(world.io, world.api.next());
  support::until(world.io, [&] { return world.platform.requests.size() == 2; });
  support::settle(world.io);
  world.clock.advance(std::chrono::hours{48});
  support::settle(world.io);
  CHECK_FALSE(next.done());
}

TEST_CASE("of an answer 256 KiB of body and 32 KiB of header are read, and no more") {
  World world;
  world.register_it();
  const std::string event = R"({"eventType":"SHUTDOWN","shutdownReason":"spindown"})";
  const std::string most = event + std::string(std::size_t{256} * 1024 - event.size(), ' ');
  world.platform.will_answer(200, most);
  CHECK(world.run(world.api.next()).has_value());
  world.platform.will_answer(200, most + ' ');
  CHECK_FALSE(world.run(world.api.next()).has_value());
  world.platform.will_answer(200, event, "X: " + std::string(std::size_t{31} * 1024, 'x') + "\r\n");
  CHECK(world.run(world.api.next()).has_value());
  world.platform.will_answer(200, event, "X: " + std::string(std::size_t{32} * 1024, 'x') + "\r\n");
  CHECK_FALSE(world.run(world.api.next()).has_value());
}

TEST_CASE("a lost connection, and a body that is no event, are errors") {
  World world;
  world.register_it();
  world.platform.will_answer("");
  CHECK_FALSE(world.run(world.api.next()).has_value());
  world.platform.will_answer("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{");
  CHECK_FALSE(world.run(world.api.next()).has_value());
  world.platform.will_answer(200, "not json");
  CHECK_FALSE(world.run(world.api.next()).has_value());
  world.platform.will_answer(200, R"({"eventType":"DANCE"})");
  CHECK(world.run(world.api.next()).error() == proto::Errc::event_unknown);
  world.platform.will_answer("SSH-2.0-OpenSSH\r\n\r\n");
  CHECK_FALSE(world.run(world.api.next()).has_value());
}

TEST_CASE("nobody at the address, or no address, is an error") {
  asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  HttpExtensionsApi unreadable(io.get_executor(), clock, "runtime.local:9001", "thaw");
  CHECK_FALSE(support::run(io, unreadable.next()).has_value());
  HttpExtensionsApi nobody(io.get_executor(), clock, "127.0.0.1:1", "thaw");
  CHECK_FALSE(support::run(io, nobody.next()).has_value());
}

TEST_CASE("a platform that takes no connection is given up after a second") {
  asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  asio::ip::tcp::acceptor full(io);
  full.open(asio::ip::tcp::v4());
  full.bind({asio::ip::address_v4::loopback(), 0});
  full.listen(0);  // Linux keeps one connection waiting all the same
  asio::ip::tcp::socket first(io);
  first.connect(full.local_endpoint());
  HttpExtensionsApi api(io.get_executor(), clock,
                        "127.0.0.1:" + std::to_string(full.local_endpoint().port()), "thaw");
  support::Started next(io, api.next());
  support::settle(io);
  clock.advance(milliseconds{999});
  support::settle(io);
  CHECK_FALSE(next.done());
  clock.advance(milliseconds{1});
  CHECK(next.get().error() == relay::Errc::deadline_exceeded);
}

TEST_CASE("a subscription is a PUT with the listener's URI") {
  World world;
  world.register_it();
  world.platform.will_answer(200, "\"OK\"");
  const auto deadline = world.clock.now() + milliseconds{50};
  const auto reply =
      world.run(world.api.subscribe_telemetry({"http://sandbox.localdomain:1/x"}, deadline));
  REQUIRE(reply.has_value());
  CHECK(std::holds_alternative<Subscribed>(*reply));
  const auto& request = world.platform.requests.at(1);
  CHECK(extension_test::first_line(request) == "PUT /2022-07-01/telemetry HTTP/1.1");
  CHECK(extension_test::body(request).find("http://sandbox.localdomain:1/x") != std::string::npos);
}

TEST_CASE("202 is a refusal: emulators say it and send nothing") {
  World world;
  world.register_it();
  world.platform.will_answer(202, R"({"errorType":"Telemetry.NotSupported"})");
  const auto deadline = world.clock.now() + milliseconds{50};
  CHECK(refusal(world.run(world.api.subscribe_telemetry({"u"}, deadline))).status == 202);
}

TEST_CASE("a subscription is not waited for beyond its deadline") {
  World world;
  world.register_it();
  world.platform.will_be_silent();
  support::Started subscription(
      world.io, world.api.subscribe_telemetry({"u"}, world.clock.now() + milliseconds{50}));
  support::until(world.io, [&] { return world.platform.requests.size() == 2; });
  world.clock.advance(milliseconds{49});
  support::settle(world.io);
  CHECK_FALSE(subscription.done());
  world.clock.advance(milliseconds{1});
  CHECK(subscription.get().error() == relay::Errc::deadline_exceeded);
}

TEST_SUITE_END();
