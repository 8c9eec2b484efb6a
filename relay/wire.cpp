#include "relay/wire.hpp"

#include <cerrno>

#include <boost/asio/error.hpp>
#include <sys/socket.h>

namespace relay {
namespace {

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

boost::system::error_code from_errno(int error) {
  return {error, boost::system::system_category()};
}

}  // namespace

Step Wire::fail(boost::system::error_code failed) {
  if (!failed_) failed_ = failed;
  return {.want = Step::Want::nothing, .bytes = 0, .failed = failed};
}

Step Wire::receive(boost::asio::mutable_buffer into) {
  for (;;) {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (got > 0) {
      stats_.bytes_in += static_cast<std::uint64_t>(got);
      return {.want = Step::Want::nothing, .bytes = static_cast<std::size_t>(got), .failed = {}};
    }
    if (got == 0) return fail(boost::asio::error::eof);
    if (errno == EINTR) continue;
    if (would_block(errno)) return {.want = Step::Want::readable, .bytes = 0, .failed = {}};
    return fail(from_errno(errno));
  }
}

Step Wire::send(std::string_view bytes) {
  for (;;) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (put >= 0) {
      stats_.bytes_out += static_cast<std::uint64_t>(put);
      return {.want = Step::Want::nothing, .bytes = static_cast<std::size_t>(put), .failed = {}};
    }
    if (errno == EINTR) continue;
    if (would_block(errno)) return {.want = Step::Want::writable, .bytes = 0, .failed = {}};
    return fail(from_errno(errno));
  }
}

bool Wire::quiet() const {
  char byte = 0;
  return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && would_block(errno);
}

}  // namespace relay
