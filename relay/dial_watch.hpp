// Hears how a dial goes, for whoever wants to tell a person where the road ends.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "relay/tls_peer.hpp"

namespace relay {

/// Each step is told when it is over. The one a failed dial did not come to is the one that failed.
class DialWatch {
 public:
  virtual ~DialWatch() = default;

  virtual void resolved(const std::vector<boost::asio::ip::address>& addresses) = 0;
  virtual void connected(const boost::asio::ip::address& address) = 0;
  /// The proxy has answered to CONNECT. Only of an upstream with TLS, through a proxy.
  virtual void asked_proxy(unsigned status) = 0;
  /// The handshake is over, whether the peer was accepted or not; not told where it broke off for
  /// another reason. `roots`: Trust::source().
  virtual void met(const TlsPeer& peer, const std::string& roots) = 0;
};

}  // namespace relay
