#include "relay/address_rules.hpp"

#include <boost/asio/ip/address.hpp>
#include <doctest/doctest.h>

namespace {

bool is_public(const char* text) { return relay::is_public(boost::asio::ip::make_address(text)); }

}  // namespace

TEST_SUITE("relay/address_rules") {
  TEST_CASE("the first and last address of each IPv4 range that is set apart are not public") {
    for (const char* text :
         {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",        "10.255.255.255",
          "100.64.0.0",      "100.127.255.255", "127.0.0.0",       "127.255.255.255",
          "169.254.0.0",     "169.254.169.254", "169.254.255.255", "172.16.0.0",
          "172.31.255.255",  "192.0.0.0",       "192.0.0.255",     "192.0.2.0",
          "192.0.2.255",     "192.88.99.0",     "192.88.99.255",   "192.168.0.0",
          "192.168.255.255", "198.18.0.0",      "198.19.255.255",  "198.51.100.0",
          "198.51.100.255",  "203.0.113.0",     "203.0.113.255",   "224.0.0.0",
          "239.255.255.255", "240.0.0.0",       "255.255.255.255"}) {
      CAPTURE(text);
      CHECK_FALSE(is_public(text));
    }
  }

  TEST_CASE("the neighbours of those ranges are public") {
    for (const char* text :
         {"1.0.0.0",         "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
          "100.128.0.0",     "126.255.255.255", "128.0.0.0",      "169.253.255.255",
          "169.255.0.0",     "172.15.255.255",  "172.32.0.0",     "191.255.255.255",
          "192.0.1.0",       "192.0.3.0",       "192.88.98.255",  "192.88.100.0",
          "192.167.255.255", "192.169.0.0",     "198.17.255.255", "198.20.0.0",
          "198.51.99.255",   "198.51.101.0",    "203.0.112.255",  "203.0.114.0",
          "223.255.255.255", "34.120.195.249"}) {
      CAPTURE(text);
      CHECK(is_public(text));
    }
  }

  TEST_CASE("of IPv6 only global unicast is public, without what is set apart in it") {
    for (const char* text :
         {"::", "::1", "::7f00:1", "100::1", "1fff:ffff::1", "4000::1", "fc00::1", "fdff::1",
          "fe80::1", "fec0::1", "ff02::1", "2001::1", "2001:2::1", "2001:1ff:ffff::1",
          "2001:db8::1", "3fff::1", "3fff:fff:ffff::1"}) {
      CAPTURE(text);
      CHECK_FALSE(is_public(text));
    }
    for (const char* text : {"2000::1", "2001:200::1", "2001:db7:ffff::1", "2001:db9::1",
                             "2600:1901:0:38d7::", "3ffe::1", "3fff:1000::1"}) {
      CAPTURE(text);
      CHECK(is_public(text));
    }
  }

  TEST_CASE("an address that carries an IPv4 one is as public as that") {
    for (const char* text :
         {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::127.0.0.1",
          "64:ff9b::192.168.0.1", "2002:7f00:1::1", "2002:a00:1::1", "2002:c0a8:101::1"}) {
      CAPTURE(text);
      CHECK_FALSE(is_public(text));
    }
    for (const char* text :
         {"::ffff:34.120.195.249", "64:ff9b::34.120.195.249", "2002:2278:c3f9::1"}) {
      CAPTURE(text);
      CHECK(is_public(text));
    }
    // RFC 8215: for use within one network; and no more than 96 bits are the prefix of RFC 6052.
    CHECK_FALSE(is_public("64:ff9b:1::34.120.195.249"));
    CHECK_FALSE(is_public("64:ff9b::1:34.120.195.249"));
  }
}
