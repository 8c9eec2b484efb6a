// A name server on loopback that knows what the test tells it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/udp.hpp>

#include "relay/task_group.hpp"

namespace support {

class FakeNameServer {
 public:
  struct Record {
    std::vector<boost::asio::ip::address> addresses;
    std::uint32_t ttl = 60;  ///< seconds
  };

  explicit FakeNameServer(boost::asio::io_context& io);
  /// Pumps the loop until its task has ended.
  ~FakeNameServer();

  std::map<std::string, Record> records;  ///< any other name does not exist
  bool silent = false;                    ///< takes questions, never answers
  bool silent_about_ipv4 = false;
  bool silent_about_ipv6 = false;
  bool failing = false;  ///< answers SERVFAIL
  int questions = 0;

  /// "127.0.0.1:port", as Resolver::Settings wants it.
  [[nodiscard]] std::string address() const;

 private:
  boost::asio::awaitable<void> serve();
  [[nodiscard]] std::string answer(std::string_view question) const;

  boost::asio::io_context& io_;
  boost::asio::ip::udp::socket socket_;
  std::array<char, 512> buffer_{};
  relay::TaskGroup tasks_;
};

}  // namespace support
