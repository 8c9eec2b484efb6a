// An HTTP server on loopback that does what the test tells it, right or wrong, plain or TLS.
#pragma once

#include <cstddef>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "relay/task_group.hpp"
#include "relay/upstream.hpp"
#include "tests/support/certificates.hpp"

namespace boost::asio::ssl {
class context;  // NOLINT(readability-identifier-naming): the name is Asio's
}

namespace support {

/// What to do with one request.
struct Act {
  enum class Then {
    keep,   ///< read the next request
    close,  ///< orderly
    reset,  ///< RST
    hang,   ///< drop what comes until the client closes
    stall,  ///< read nothing more until the test ends
  };

  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  std::size_t read = kAll;  ///< bytes of the request to wait for first; kAll: to its end
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
  bool drip = false;  ///< a byte at a time
  Then then = Then::keep;
};

class FakeUpstream {
 public:
  struct Tls {
    Identity identity;
    int most = 0;            ///< highest version, as OpenSSL numbers them; 0: any
    bool handshakes = true;  ///< false: accepts and says nothing
  };

  explicit FakeUpstream(boost::asio::io_context& io, std::optional<Tls> tls = std::nullopt);
  /// Pumps the loop until its tasks have ended.
  ~FakeUpstream();

  /// Taken one a request, on whichever connection; without any left, `usual`.
  std::deque<Act> script;
  Act usual;

  // What was seen.
  int accepted = 0;
  int handshakes = 0;
  int failed_handshakes = 0;
  int resumed = 0;
  int ended = 0;                      ///< connections that are over, whoever ended them
  std::vector<std::string> requests;  ///< as far as they were read
  std::vector<std::string> names;     ///< SNI of each handshake, "" for none

  [[nodiscard]] std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  /// Of this server, named by the operator.
  [[nodiscard]] relay::Endpoint endpoint(std::string host = "127.0.0.1") const;
  /// Closes the open connections, which must be between two requests.
  void close_idle();

 private:
  boost::asio::awaitable<void> accept();
  boost::asio::awaitable<void> serve_plain(boost::asio::ip::tcp::socket socket);
  boost::asio::awaitable<void> serve_tls(boost::asio::ip::tcp::socket socket);
  template <class Stream>
  boost::asio::awaitable<void> converse(Stream& stream);
  Act next_act();

  boost::asio::io_context& io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::optional<Tls> tls_;
  std::unique_ptr<boost::asio::ssl::context> context_;
  std::vector<boost::asio::ip::tcp::socket*> open_;
  relay::TaskGroup tasks_;
};

}  // namespace support
