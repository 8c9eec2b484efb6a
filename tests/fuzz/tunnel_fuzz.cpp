// One byte cuts the stream, the rest is what a proxy answers to CONNECT, and what comes through it
// then.
#include <array>

#include <boost/asio/ip/address_v4.hpp>
#include <doctest/doctest.h>

#include "relay/connection.hpp"
#include "relay/errc.hpp"
#include "relay/proxy_tunnel.hpp"
#include "tests/fuzz/answers.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/peer.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

namespace asio = boost::asio;
using Opened = proto::Result<unsigned>;

struct Far {
  relay::Endpoint endpoint{true, "up.example", 443, false};
  proto::Proxy proxy{"127.0.0.1", 80, "Basic dTpw", "HTTPS_PROXY"};
};

asio::awaitable<Opened> open(relay::Connection& connection, std::uint16_t port, const Far& far) {
  const auto loopback = asio::ip::address_v4::loopback();
  const auto connected = co_await connection.connect(loopback, port);
  if (!connected) co_return connected.error();
  co_return co_await relay::open_tunnel(connection, far.endpoint, far.proxy);
}

asio::awaitable<std::string> read_rest(relay::Connection& connection) {
  std::string rest;
  std::array<char, 4096> part{};
  for (;;) {
    const auto got = co_await connection.read_some(asio::buffer(part));
    if (!got) co_return rest;
    rest.append(part.data(), *got);
  }
}

}  // namespace

void fuzz::tunnel(std::string_view bytes) {
  Input input(bytes);
  const unsigned seed = input.byte();
  const auto stream = input.take(64UL * 1024);
  asio::io_context io{1};
  relay::UpstreamStats stats;
  const Far far;
  Peer peer(io);
  relay::Connection connection(io.get_executor(), stats);
  support::Started<Opened> opening(io, open(connection, peer.port(), far));
  const auto proxy = peer.accept();
  support::until(io, [&] { return proxy->received().ends_with("\r\n\r\n"); });
  CHECK(
      proxy->received().starts_with("CONNECT up.example:443 HTTP/1.1\r\nHost: up.example:443\r\n"));
  proxy->send(io, Pieces(stream, seed));
  proxy->end_of_stream();
  const Opened opened = opening.get();
  const auto expected = read_answer(stream, 0, true);
  if (!opened) {
    CHECK(opened.error() == relay::Errc::proxy_failed);
    CHECK((expected.failed || expected.answer.status / 100 == 2));
    return;
  }
  CHECK(!expected.failed);
  CHECK(*opened == expected.answer.status);
  if (*opened / 100 != 2) return;
  // All that comes behind the header is the endpoint's.
  const std::string rest = support::run(io, read_rest(connection));
  CHECK(stream.ends_with(rest));
  const auto head = stream.substr(0, stream.size() - rest.size());
  CHECK(head.find('\n') != std::string_view::npos);
  CHECK(read_answer(head, 0, true).answer.status == *opened);
  CHECK(read_answer(head.substr(0, head.size() - 1), 0, true).failed);
}
