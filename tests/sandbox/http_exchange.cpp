#include "tests/sandbox/http_exchange.hpp"

#include <limits>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http.hpp>

#include "tests/sandbox/recorder.hpp"

namespace sandbox {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

class SocketPeer final : public Peer {
 public:
  explicit SocketPeer(asio::ip::tcp::socket& socket) : socket_(socket) {}

  void drop() override {
    error_code ignored;
    socket_.close(ignored);
  }

 private:
  asio::ip::tcp::socket& socket_;
};

Request to_request(http::request<http::string_body>&& message) {
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message)
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  request.body = std::move(message.body());
  return request;
}

http::response<http::string_body> to_message(Response&& response) {
  http::response<http::string_body> message;
  message.version(11);
  message.result(response.status);
  for (const auto& [name, value] : response.headers) message.set(name, value);
  message.body() = std::move(response.body);
  message.prepare_payload();
  return message;
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (beast::iequals(key, name)) return value;
  return {};
}

asio::awaitable<void> serve_http(asio::ip::tcp::socket socket, const Handler& handler) {
  error_code failed;
  socket.set_option(asio::ip::tcp::no_delay(true), failed);
  beast::flat_buffer buffer;
  SocketPeer peer(socket);
  for (;;) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(std::uint64_t{64} << 20);
    co_await http::async_read_header(socket, buffer, parser,
                                     asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return;
    const double begun_ms = epoch_ms();
    co_await http::async_read(socket, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return;
    const bool keep_alive = parser.get().keep_alive();
    Request request = to_request(parser.release());
    request.begun_ms = begun_ms;
    Response response = co_await handler(std::move(request), peer);
    if (response.status == 0) co_return;
    auto message = to_message(std::move(response));
    message.keep_alive(keep_alive);
    co_await http::async_write(socket, message, asio::redirect_error(asio::use_awaitable, failed));
    if (failed || !keep_alive) co_return;
  }
}

namespace {

asio::awaitable<error_code> exchange(asio::ip::tcp::socket& socket, std::uint16_t port,
                                     const http::request<http::string_body>& message,
                                     http::response<http::string_body>& answer) {
  error_code failed;
  if (!socket.is_open()) {
    // AWS docs, the same API: the destination is sandbox.localdomain, which is not 127.0.0.1.
    const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4({127, 0, 0, 2}), port);
    co_await socket.async_connect(endpoint, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return failed;
  }
  co_await http::async_write(socket, message, asio::redirect_error(asio::use_awaitable, failed));
  if (failed) co_return failed;
  beast::flat_buffer buffer;
  co_await http::async_read(socket, buffer, answer,
                            asio::redirect_error(asio::use_awaitable, failed));
  co_return failed;
}

}  // namespace

asio::awaitable<unsigned> post(asio::ip::tcp::socket& socket, std::uint16_t port,
                               std::string target, Headers headers, std::string body) {
  http::request<http::string_body> message{http::verb::post, target, 11};
  for (const auto& [name, value] : headers) message.set(name, value);
  message.body() = std::move(body);
  message.prepare_payload();
  http::response<http::string_body> answer;
  const error_code failed = co_await exchange(socket, port, message, answer);
  error_code ignored;
  if (failed || !answer.keep_alive()) socket.close(ignored);
  co_return failed ? 0 : answer.result_int();
}

}  // namespace sandbox
