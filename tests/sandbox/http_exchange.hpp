// HTTP/1.1 in plain values, so that only one file needs the parser library.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace sandbox {

namespace asio = boost::asio;
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string target;
  Headers headers;  ///< those behind a chunked body, too
  std::string body;
  double begun_ms = 0;  ///< epoch; its header had come

  /// The first value under `name`, case-insensitive; "" if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

struct Response {
  unsigned status = 0;  ///< 0: close the connection without an answer
  Headers headers;
  std::string body;
};

/// The connection a request came in on, as long as its handler runs.
class Peer {
 public:
  virtual ~Peer() = default;
  /// Closes the connection under the handler; its answer will be written into the void.
  virtual void drop() = 0;
};

using Handler = std::function<asio::awaitable<Response>(Request, Peer&)>;

/// Answers requests until the peer goes. Never looks at the socket while a handler runs, so a peer
/// that has gone is noticed only when its answer is written.
asio::awaitable<void> serve_http(asio::ip::tcp::socket socket, const Handler& handler);

/// One POST, on the open connection if there is one; it stays open as long as both sides want.
/// Returns the status, 0 if there was no answer.
asio::awaitable<unsigned> post(asio::ip::tcp::socket& socket, std::uint16_t port,
                               std::string target, Headers headers, std::string body);

}  // namespace sandbox
