#include "extension/telemetry_listener.hpp"

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <doctest/doctest.h>

#include "tests/extension/log_lines.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"
#include "tests/support/temp_file.hpp"

namespace {

using namespace extension;
using asio::ip::tcp;

constexpr auto kBatch =
    R"([{"time":"t","type":"platform.runtimeDone","record":{"requestId":"r1","status":"success"}},
        {"time":"t","type":"platform.start","record":{"requestId":"r2"}}])";

asio::awaitable<bool> end(TelemetryListener& listener) {
  co_await listener.stop();
  co_return true;
}

struct World {
  asio::io_context io;
  support::ManualClock clock{io.get_executor()};
  extension_test::LogLines lines;
  relay::Log log{{}, lines, clock};
  TelemetryCounters counters;
  std::vector<proto::TelemetryRecord> records;
  std::optional<TelemetrySender> sender;  // of the last one
  TelemetryListener listener{io.get_executor(),
                             clock,
                             log,
                             counters,
                             "secret",
                             [this](const proto::TelemetryRecord& record, TelemetrySender from) {
                               records.push_back(record);
                               sender = from;
                             }};
  std::string uri = listener.open("/nonexistent");

  ~World() { CHECK(support::run(io, end(listener))); }

  std::unique_ptr<tcp::socket> connect() {
    auto socket = std::make_unique<tcp::socket>(io);
    socket->connect(tcp::endpoint(asio::ip::address_v4::loopback(), listener.port()));
    return socket;
  }

  asio::awaitable<std::string> exchange(tcp::socket& socket, std::string request) {
    co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
    std::string answer;
    co_await asio::async_read_until(socket, asio::dynamic_buffer(answer), "\r\n\r\n",
                                    asio::use_awaitable);
    co_return answer;
  }

  // The status line of the answer.
  std::string send(tcp::socket& socket, std::string request) {
    const auto answer = support::run(io, exchange(socket, std::move(request)));
    support::settle(io);
    return answer.substr(0, answer.find("\r\n"));
  }

  std::string send(std::string request) { return send(*connect(), std::move(request)); }
};

std::string request(const std::string& line, const std::string& body) {
  return line + " HTTP/1.1\r\nHost: sandbox.localdomain\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string post(const std::string& body) { return request("POST /secret", body); }

}  // namespace

TEST_SUITE_BEGIN("extension/telemetry_listener");

TEST_CASE("the URI has the platform's name for us, the kernel's port and the secret path") {
  World world;
  CHECK(world.listener.port() != 0);
  CHECK(world.uri ==
        "http://sandbox.localdomain:" + std::to_string(world.listener.port()) + "/secret");
}

TEST_CASE("each record of a batch is reported") {
  World world;
  CHECK(world.send(post(kBatch)) == "HTTP/1.1 200 OK");
  REQUIRE(world.records.size() == 2);
  CHECK(world.records[0].kind == proto::TelemetryKind::runtime_done);
  CHECK(world.records[0].request_id == "r1");
  CHECK(world.counters.batches == 1);
}

TEST_CASE("an answer says that it is empty, and a connection is closed when that is asked for") {
  World world;
  const auto socket = world.connect();
  const auto answer = support::run(world.io, world.exchange(*socket, post("[]")));
  CHECK(answer.find("Content-Length: 0\r\n") != std::string::npos);
  const std::string last =
      "POST /secret HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n[]";
  CHECK(world.send(*socket, last) == "HTTP/1.1 200 OK");
  CHECK_THROWS(world.send(*socket, post("[]")));
}

TEST_CASE("a connection serves many batches, chunked ones too") {
  World world;
  const auto socket = world.connect();
  CHECK(world.send(*socket, post(kBatch)) == "HTTP/1.1 200 OK");
  CHECK(world.send(*socket,
                   "POST /secret HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "1\r\n[\r\n1\r\n]\r\n0\r\n\r\n") == "HTTP/1.1 200 OK");
  CHECK(world.counters.batches == 2);
}

TEST_CASE("who knows the path is the platform; who posts to / is anyone") {
  World world;
  CHECK(world.send(post(kBatch)) == "HTTP/1.1 200 OK");
  CHECK(world.sender == TelemetrySender::platform);
  CHECK(world.send(request("POST /", kBatch)) == "HTTP/1.1 200 OK");
  CHECK(world.sender == TelemetrySender::anyone);
  CHECK(world.records.size() == 4);
}

TEST_CASE("another path, another method: answered 200, counted, not read") {
  World world;
  CHECK(world.send(request("POST /stats", kBatch)) == "HTTP/1.1 200 OK");
  CHECK(world.send(request("POST /secret/", kBatch)) == "HTTP/1.1 200 OK");
  CHECK(world.send(request("PUT /secret", kBatch)) == "HTTP/1.1 200 OK");
  CHECK(world.send(request("GET /secret", "")) == "HTTP/1.1 200 OK");
  CHECK(world.counters.ignored == 4);
  CHECK(world.records.empty());
}

TEST_CASE("what is no batch is answered 200 and counted") {
  World world;
  CHECK(world.send(post("{}")) == "HTTP/1.1 200 OK");
  CHECK(world.send(post("nonsense")) == "HTTP/1.1 200 OK");
  CHECK(world.send(post("")) == "HTTP/1.1 200 OK");
  CHECK(world.counters.unparsable == 3);
}

TEST_CASE("a body of 4 MiB is read, of anyone 512 KiB; one byte more is answered 200 and counted") {
  for (const auto& [path, limit] : {std::pair{"/secret", TelemetryListener::kBodyLimit},
                                    {"/", TelemetryListener::kAnyonesBodyLimit}}) {
    CAPTURE(path);
    World world;
    const std::string line = std::string("POST ") + path;
    std::string body = "[" + std::string(limit - 2, ' ') + "]";
    CHECK(world.send(request(line, body)) == "HTTP/1.1 200 OK");
    CHECK(world.counters.batches == 1);
    body.insert(1, " ");
    CHECK(world.send(request(line, body)) == "HTTP/1.1 200 OK");
    CHECK(world.counters.batches == 1);
    CHECK(world.counters.ignored == 1);
  }
}

TEST_CASE("a fifth connection takes the place of the oldest") {
  World world;
  std::vector<std::unique_ptr<tcp::socket>> sockets;
  for (std::size_t i = 0; i < TelemetryListener::kMaxConnections; ++i) {
    sockets.push_back(world.connect());
    CHECK(world.send(*sockets.back(), post("[]")) == "HTTP/1.1 200 OK");
  }
  const auto fifth = world.connect();
  CHECK(world.send(*fifth, post("[]")) == "HTTP/1.1 200 OK");
  CHECK(world.send(*sockets[1], post("[]")) == "HTTP/1.1 200 OK");
  CHECK_THROWS(world.send(*sockets[0], post("[]")));
}

TEST_CASE("the address of sandbox.localdomain is found in a hosts file, else there is none") {
  CHECK(sandbox_address("127.0.0.1 localhost\n169.254.100.2 sandbox.localdomain sandbox\n")
            ->to_string() == "169.254.100.2");
  CHECK(sandbox_address("10.0.0.1\tsandbox sandbox.localdomain # comment")->to_string() ==
        "10.0.0.1");
  CHECK(sandbox_address("nonsense sandbox.localdomain\n10.0.0.2 sandbox.localdomain\r\n")
            ->to_string() == "10.0.0.2");
  CHECK_FALSE(sandbox_address(""));
  CHECK_FALSE(sandbox_address("\n\n#10.0.0.1 sandbox.localdomain\n10.0.0.1 #sandbox.localdomain"));
  CHECK_FALSE(sandbox_address("10.0.0.1 localhost # sandbox.localdomain"));
  CHECK_FALSE(sandbox_address("10.0.0.1 xsandbox.localdomain sandbox.localdomain.example\n"));
}

TEST_CASE("at the address of sandbox.localdomain it listens, and at no other") {
  const support::TempFile hosts("127.0.0.5 sandbox.localdomain\n");
  World world;
  TelemetryListener listener(world.io.get_executor(), world.clock, world.log, world.counters, "x",
                             [](const proto::TelemetryRecord&, TelemetrySender) {});
  CHECK_FALSE(listener.open(hosts.path().c_str()).empty());
  for (const auto& [address, listens] : {std::pair{"127.0.0.5", true}, {"127.0.0.1", false}}) {
    tcp::socket socket(world.io);
    boost::system::error_code failed;
    socket.connect({asio::ip::make_address(address), listener.port()}, failed);
    CHECK(!failed == listens);
  }
  CHECK(support::run(world.io, end(listener)));
}

TEST_CASE("an address that is not ours gives way to all interfaces") {
  const support::TempFile hosts("192.0.2.1 sandbox.localdomain\n");
  World world;
  TelemetryListener listener(world.io.get_executor(), world.clock, world.log, world.counters, "x",
                             [](const proto::TelemetryRecord&, TelemetrySender) {});
  CHECK_FALSE(listener.open(hosts.path().c_str()).empty());
  CHECK(support::run(world.io, end(listener)));
}

TEST_SUITE_END();
