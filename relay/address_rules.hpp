// Which addresses a host may resolve to when only its suffix was allowed. Pure.
#pragma once

#include <boost/asio/ip/address.hpp>

namespace relay {

/// True for an address of the public Internet. False for everything the IANA special-purpose
/// registries (RFC 6890) set apart: loopback, private, link-local, shared, unique-local, multicast,
/// unspecified, documentation, benchmarking, reserved. An address that carries an IPv4 one (mapped,
/// NAT64, 6to4) is as public as that.
[[nodiscard]] bool is_public(const boost::asio::ip::address& address);

}  // namespace relay
