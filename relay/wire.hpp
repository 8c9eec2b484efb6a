// A connected socket as single non-blocking attempts, so that plain text and TLS wait in one place,
// and "with the kernel" means exactly that: send() returned.
#pragma once

#include <cstddef>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <boost/system/error_code.hpp>

#include "relay/upstream_stats.hpp"

namespace relay {

/// What one attempt came to: bytes moved, or what to wait for before the next, or a failure.
struct Step {
  enum class Want { nothing, readable, writable };

  Want want = Want::nothing;
  std::size_t bytes = 0;
  boost::system::error_code failed;  ///< asio::error::eof when the peer closed in order
};

class Wire {
 public:
  /// Does not own `fd`, which must be connected and non-blocking. `stats` outlives the wire.
  Wire(int fd, UpstreamStats& stats) : fd_(fd), stats_(stats) {}

  [[nodiscard]] Step receive(boost::asio::mutable_buffer into);
  /// Never raises SIGPIPE.
  [[nodiscard]] Step send(std::string_view bytes);
  /// Neither the end of the stream nor data is there to be read; nothing is consumed.
  [[nodiscard]] bool quiet() const;

  /// The first failure of all, or none.
  [[nodiscard]] boost::system::error_code failed() const { return failed_; }

 private:
  Step fail(boost::system::error_code failed);

  int fd_;
  UpstreamStats& stats_;
  boost::system::error_code failed_;
};

}  // namespace relay
