// Failures of the relay's own making; the network's and the formats' have their own categories.
#pragma once

#include <boost/system/error_code.hpp>

namespace relay {

enum class Errc {
  deadline_exceeded = 1,  ///< the caller's deadline passed; the work was cancelled and awaited
  connection_limit,       ///< no more connections to this host are allowed now
  no_connection,          ///< none is idle, and the request is not worth one
  name_not_found,         ///< the name server says there is no such name, or no address for it
  name_server_failed,     ///< no usable answer from any name server
  address_forbidden,  ///< a host allowed only by suffix resolved to an address that is not public
  no_trust,           ///< no root certificates could be loaded from any source
  certificate_rejected,  ///< the peer's certificate did not verify, or is for another name
  proxy_unreachable,     ///< no connection to the proxy
  proxy_timed_out,       ///< no tunnel through it within Settings::connect
  proxy_unauthorized,    ///< it wants credentials, or others: 407, or 401
  proxy_refused,         ///< it does not open a tunnel to that host
  proxy_failed,          ///< it closed, or its answer is not HTTP or too large
  answer_malformed,      ///< the upstream's answer is not HTTP, or its header is too large
  answer_incomplete,     ///< the upstream closed before a complete answer
  journal_full,          ///< the journal's limit is reached
  journal_off,           ///< there is no journal
  journal_damaged,       ///< what was read back is not what was written
};

const boost::system::error_category& errc_category() noexcept;

inline boost::system::error_code make_error_code(Errc e) noexcept {
  return {static_cast<int>(e), errc_category()};
}

}  // namespace relay

template <>
struct boost::system::is_error_code_enum<relay::Errc> : std::true_type {};
