#include "relay/address_rules.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace relay {
namespace {

using boost::asio::ip::address_v4;
using boost::asio::ip::address_v6;

struct Range4 {
  std::uint32_t first;
  unsigned prefix;  ///< 1 to 32
};

// IANA IPv4 Special-Purpose Address Registry, and multicast (RFC 5771); checked 2026-11.
constexpr Range4 kNotPublic4[] = {
    {0x00000000, 8},   // this network, with 0.0.0.0
    {0x0a000000, 8},   // private
    {0x64400000, 10},  // shared, RFC 6598
    {0x7f000000, 8},   // loopback
    {0xa9fe0000, 16},  // link-local, with the metadata service
    {0xac100000, 12},  // private
    {0xc0000000, 24},  // IETF protocol assignments
    {0xc0000200, 24},  // documentation
    {0xc0586300, 24},  // 6to4 relay anycast, deprecated
    {0xc0a80000, 16},  // private
    {0xc6120000, 15},  // benchmarking
    {0xc6336400, 24},  // documentation
    {0xcb007100, 24},  // documentation
    {0xe0000000, 4},   // multicast
    {0xf0000000, 4},   // reserved, with the broadcast address
};

using Bytes6 = address_v6::bytes_type;

struct Range6 {
  Bytes6 first;
  unsigned prefix;
};

// IANA IPv6 Special-Purpose Address Registry: what 2000::/3 holds beside global unicast.
constexpr Range6 kNotPublic6[] = {
    {{0x20, 0x01}, 23},              // IETF protocol assignments: Teredo, ORCHID, benchmarking
    {{0x20, 0x01, 0x0d, 0xb8}, 32},  // documentation
    {{0x3f, 0xff}, 20},              // documentation, RFC 9637
};

constexpr Range6 kGlobalUnicast{{0x20}, 3};
constexpr Range6 kSixToFour{{0x20, 0x02}, 16};  // RFC 3056: the IPv4 address is bytes 2 to 5
constexpr Range6 kNat64{{0x00, 0x64, 0xff, 0x9b}, 96};  // RFC 6052: the last four bytes

bool within(address_v4 address, const Range4& range) {
  return ((address.to_uint() ^ range.first) >> (32 - range.prefix)) == 0;
}

bool within(const Bytes6& bytes, const Range6& range) {
  const std::size_t whole = range.prefix / 8;
  const unsigned rest = range.prefix % 8;
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  range.first.begin())) {
    return false;
  }
  return rest == 0 || ((bytes[whole] ^ range.first[whole]) >> (8 - rest)) == 0;
}

address_v4 embedded(const Bytes6& bytes, std::size_t at) {
  return address_v4({bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]});
}

bool is_public4(address_v4 address) {
  return std::none_of(std::begin(kNotPublic4), std::end(kNotPublic4),
                      [address](const Range4& range) { return within(address, range); });
}

bool is_public6(const address_v6& address) {
  const Bytes6 bytes = address.to_bytes();
  if (address.is_v4_mapped() || within(bytes, kNat64)) return is_public4(embedded(bytes, 12));
  if (within(bytes, kSixToFour)) return is_public4(embedded(bytes, 2));
  return within(bytes, kGlobalUnicast) &&
         std::none_of(std::begin(kNotPublic6), std::end(kNotPublic6),
                      [&bytes](const Range6& range) { return within(bytes, range); });
}

}  // namespace

bool is_public(const boost::asio::ip::address& address) {
  return address.is_v4() ? is_public4(address.to_v4()) : is_public6(address.to_v6());
}

}  // namespace relay
