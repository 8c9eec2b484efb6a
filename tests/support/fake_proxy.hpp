// A proxy on loopback that answers CONNECT as the test says, and after 2xx carries bytes to the one
// upstream it knows, whatever its name.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "relay/task_group.hpp"

namespace support {

class FakeProxy {
 public:
  enum class Then { carry, close, reset, hang };

  /// What to do with one connection.
  struct Act {
    std::string answer = "HTTP/1.1 200 Connection established\r\n\r\n";
    bool drip = false;  ///< a byte at a time
    Then then = Then::carry;
    std::size_t read = 0;  ///< bytes of the request to wait for; 0: to its end
  };

  /// `upstream`: a port of 127.0.0.1.
  FakeProxy(boost::asio::io_context& io, std::uint16_t upstream);
  /// Pumps the loop until its tasks have ended.
  ~FakeProxy();

  /// Taken one a connection; without any left, `usual`.
  std::deque<Act> script;
  Act usual;

  // What was seen.
  int accepted = 0;
  int ended = 0;
  std::vector<std::string> requests;  ///< as far as they were read

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  using Socket = boost::asio::ip::tcp::socket;

  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve(Socket client);
  boost::asio::awaitable<void> carry(Socket& client);
  Act next_act();

  boost::asio::io_context& io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t upstream_;
  relay::TaskGroup tasks_;
};

}  // namespace support
