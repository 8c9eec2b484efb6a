#include "tests/support/fake_proxy.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "tests/support/run.hpp"

namespace support {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

bool enough(const std::string& bytes, std::size_t wanted) {
  return wanted == 0 ? bytes.ends_with("\r\n\r\n") : bytes.size() >= wanted;
}

asio::awaitable<void> write(tcp::socket& to, const std::string& bytes, bool drip) {
  const std::size_t piece = drip ? 1 : std::max<std::size_t>(bytes.size(), 1);
  error_code failed;
  for (std::size_t at = 0; at < bytes.size() && !failed; at += piece) {
    co_await asio::async_write(to,
                               asio::buffer(bytes.data() + at, std::min(piece, bytes.size() - at)),
                               asio::redirect_error(asio::use_awaitable, failed));
    co_await asio::post(to.get_executor(), asio::use_awaitable);
  }
}

/// Until either end closes.
asio::awaitable<void> pass(tcp::socket& from, tcp::socket& to) {
  char buffer[16 * 1024];
  for (error_code failed; !failed;) {
    const std::size_t got = co_await from.async_read_some(
        asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, failed));
    if (failed) break;
    co_await asio::async_write(to, asio::buffer(buffer, got),
                               asio::redirect_error(asio::use_awaitable, failed));
  }
}

}  // namespace

FakeProxy::FakeProxy(asio::io_context& io, std::uint16_t upstream)
    : io_(io),
      acceptor_(io, {asio::ip::address_v4::loopback(), 0}),
      upstream_(upstream),
      tasks_(io.get_executor(),
             [](const std::exception_ptr& failure) { FAIL(relay::describe(failure)); }) {
  tasks_.spawn(accept());
}

FakeProxy::~FakeProxy() {
  tasks_.stop();
  until(io_, [this] { return tasks_.size() == 0; });
}

asio::awaitable<void> FakeProxy::accept() {
  for (;;) {
    error_code failed;
    tcp::socket client =
        co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return;
    ++accepted;
    tasks_.spawn(serve(std::move(client)));
  }
}

asio::awaitable<void> FakeProxy::serve(tcp::socket client) {
  const Act act = next_act();
  const auto request = requests.size();
  requests.emplace_back();
  error_code failed;
  // A byte at a time: what follows the request is the upstream's.
  for (char byte = 0; !failed && !enough(requests[request], act.read);) {
    const std::size_t got = co_await client.async_read_some(
        asio::buffer(&byte, 1), asio::redirect_error(asio::use_awaitable, failed));
    requests[request].append(&byte, got);
  }
  if (!failed) {
    co_await write(client, act.answer, act.drip);
    if (act.then == Then::carry) co_await carry(client);
    if (act.then == Then::reset) client.set_option(asio::socket_base::linger(true, 0));
    char buffer[1024];
    while (act.then == Then::hang && !failed) {
      co_await client.async_read_some(asio::buffer(buffer),
                                      asio::redirect_error(asio::use_awaitable, failed));
    }
  }
  ++ended;
}

asio::awaitable<void> FakeProxy::carry(tcp::socket& client) {
  using asio::experimental::awaitable_operators::operator||;
  tcp::socket upstream(io_);
  error_code failed;
  co_await upstream.async_connect({asio::ip::address_v4::loopback(), upstream_},
                                  asio::redirect_error(asio::use_awaitable, failed));
  if (!failed) co_await (pass(client, upstream) || pass(upstream, client));
}

FakeProxy::Act FakeProxy::next_act() {
  if (script.empty()) return usual;
  Act act = std::move(script.front());
  script.pop_front();
  return act;
}

}  // namespace support
