// An HTTP/1.1 answer, taken in as it comes; all that is kept of it is what delivery asks about.
#pragma once

#include <memory>

#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include "relay/upstream.hpp"

namespace relay {

/// RFC 9112. The body is read and dropped, interim (1xx) answers are skipped.
class HttpAnswer {
 public:
  /// `tunnel`: an answer to CONNECT, which is complete with its header (RFC 9110, 9.3.6).
  explicit HttpAnswer(bool tunnel = false);
  ~HttpAnswer();

  /// Where the next bytes go; never empty before complete() or an error.
  [[nodiscard]] asio::mutable_buffer room();
  /// `bytes` have been written to room(). Errors: Errc::answer_malformed.
  [[nodiscard]] boost::system::error_code came(std::size_t bytes);
  /// The peer has closed. Errors: Errc::answer_incomplete.
  [[nodiscard]] boost::system::error_code ended();

  [[nodiscard]] bool complete() const;
  /// The connection may carry another request: the answer was read to its exact end, and so it
  /// says.
  [[nodiscard]] bool keeps_connection() const;
  /// Nothing has come behind the answer.
  [[nodiscard]] bool read_exactly() const;
  /// Its header is here, and with it the status, whatever becomes of the body.
  [[nodiscard]] bool has_status() const;
  /// Once it has.
  [[nodiscard]] const UpstreamAnswer& answer() const;

 private:
  class Parser;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace relay
