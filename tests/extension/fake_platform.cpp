#include "tests/extension/fake_platform.hpp"

#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "tests/support/run.hpp"

namespace extension_test {

using asio::ip::tcp;

FakePlatform::FakePlatform(asio::io_context& io)
    : io_(io),
      acceptor_(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      tasks_(io.get_executor(), [](const std::exception_ptr&) {}) {
  tasks_.spawn(accept());
}

FakePlatform::~FakePlatform() {
  tasks_.stop();
  support::until(io_, [this] { return tasks_.size() == 0; });
}

std::string FakePlatform::address() const {
  return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
}

void FakePlatform::will_answer(int status, std::string_view body, std::string_view headers) {
  answers_.push_back("HTTP/1.1 " + std::to_string(status) + " X\r\n" + std::string(headers) +
                     "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                     std::string(body));
}

asio::awaitable<void> FakePlatform::accept() {
  for (;;) {
    tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
    tasks_.spawn(serve(std::move(socket)));
  }
}

asio::awaitable<void> FakePlatform::serve(tcp::socket socket) {
  std::string request;
  co_await asio::async_read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n",
                                  asio::use_awaitable);
  const auto length = header(request, "Content-Length");
  const auto whole = request.find("\r\n\r\n") + 4 + (length.empty() ? 0 : std::stoul(length));
  if (request.size() < whole) {
    co_await asio::async_read(socket, asio::dynamic_buffer(request),
                              asio::transfer_exactly(whole - request.size()), asio::use_awaitable);
  }
  requests.push_back(request);
  if (answers_.empty()) co_return;
  const std::string answer = std::move(answers_.front());
  answers_.pop_front();
  char until_closed = 0;
  boost::system::error_code ignored;
  if (answer == kSilence) {
    co_await asio::async_read(socket, asio::buffer(&until_closed, 1),
                              asio::redirect_error(asio::use_awaitable, ignored));
  } else {
    co_await asio::async_write(socket, asio::buffer(answer), asio::use_awaitable);
  }
}

std::string header(const std::string& request, std::string_view name) {
  const auto begin = request.find("\r\n" + std::string(name) + ": ");
  if (begin == std::string::npos) return "";
  const auto value = begin + 2 + name.size() + 2;
  return request.substr(value, request.find("\r\n", value) - value);
}

std::string body(const std::string& request) {
  return request.substr(request.find("\r\n\r\n") + 4);
}

std::string first_line(const std::string& request) {
  return request.substr(0, request.find("\r\n"));
}

}  // namespace extension_test
