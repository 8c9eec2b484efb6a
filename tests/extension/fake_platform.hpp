// A scripted Extensions API on loopback: one answer a connection, in order; remembers what was
// asked.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "relay/task_group.hpp"

namespace extension_test {

namespace asio = boost::asio;

class FakePlatform {
 public:
  explicit FakePlatform(asio::io_context& io);
  ~FakePlatform();
  FakePlatform(const FakePlatform&) = delete;
  FakePlatform& operator=(const FakePlatform&) = delete;

  /// "127.0.0.1:PORT"
  [[nodiscard]] std::string address() const;

  /// The whole answer to the next request, byte for byte; "" closes the connection instead.
  void will_answer(std::string bytes) { answers_.push_back(std::move(bytes)); }

  void will_answer(int status, std::string_view body, std::string_view headers = "");

  /// The next request is read and never answered.
  void will_be_silent() { answers_.emplace_back(kSilence); }

  std::vector<std::string> requests;  ///< header and body, as they came

 private:
  static constexpr auto kSilence = "silence";

  asio::awaitable<void> accept();
  asio::awaitable<void> serve(asio::ip::tcp::socket socket);

  asio::io_context& io_;
  asio::ip::tcp::acceptor acceptor_;
  std::deque<std::string> answers_;
  relay::TaskGroup tasks_;
};

/// The value of a header in one of `requests`; "" if it is not there.
[[nodiscard]] std::string header(const std::string& request, std::string_view name);
[[nodiscard]] std::string body(const std::string& request);
[[nodiscard]] std::string first_line(const std::string& request);

}  // namespace extension_test
