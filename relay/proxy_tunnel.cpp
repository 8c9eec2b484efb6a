#include "relay/proxy_tunnel.hpp"

#include <string>
#include <string_view>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proto/url_text.hpp"
#include "relay/errc.hpp"
#include "relay/http_answer.hpp"

namespace relay {
namespace {

std::string connect_request(const Endpoint& endpoint, const proto::Proxy& proxy) {
  const std::string authority = proto::to_authority(endpoint.host, endpoint.port);
  std::string request = "CONNECT " + authority + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  if (!proxy.authorization.empty()) {
    request += "Proxy-Authorization: " + proxy.authorization + "\r\n";
  }
  return request + "User-Agent: thaw/" THAW_VERSION "\r\n\r\n";
}

}  // namespace

asio::awaitable<proto::Result<unsigned>> open_tunnel(Connection& connection,
                                                     const Endpoint& endpoint,
                                                     const proto::Proxy& proxy) {
  const std::string request = connect_request(endpoint, proxy);
  for (std::string_view left = request; !left.empty();) {
    const auto written = co_await connection.write_some(left);
    // A proxy that has said no may have closed already: reading tells.
    if (!written) break;
    left.remove_prefix(*written);
  }
  HttpAnswer answer(true);
  while (!answer.complete()) {
    const auto got = co_await connection.read_some(answer.room());
    if (!got && got.error() == asio::error::operation_aborted) co_return got.error();
    if (!got) co_return Errc::proxy_failed;
    if (answer.came(*got)) co_return Errc::proxy_failed;
    if (!answer.complete()) {
      co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    }
  }
  const unsigned status = answer.answer().status;
  // Nobody speaks before the client's hello: what came is not TLS.
  if (status / 100 == 2 && !answer.read_exactly()) co_return Errc::proxy_failed;
  co_return status;
}

}  // namespace relay
