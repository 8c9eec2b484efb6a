// Which way a request to an upstream goes: straight, or through a proxy that the environment names.
// There is no standard for these variables; where programs agree, so do we (curl: docs/MANUAL.md
// and lib/noproxy.c; Go: x/net/http/httpproxy/proxy.go; checked 2026-11).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace proto {

struct Proxy {
  std::string host;  ///< lower case, an IPv6 literal without brackets
  std::uint16_t port = 80;
  std::string authorization;  ///< of Proxy-Authorization, "Basic …" (RFC 7617); "" for none: secret
  std::string variable;       ///< that named it, for people

  bool operator==(const Proxy&) const = default;

  /// host:port, for logs: nothing secret.
  [[nodiscard]] std::string to_public_string() const;
};

/// [http://][user[:password]@]host[:port][/…]; user and password may hold %XX. Without a port it is
/// the scheme's. Errors: Errc::proxy_*: https:// and socks5:// among them.
[[nodiscard]] Result<Proxy> parse_proxy(std::string_view text, std::string_view variable);

/// One entry of no_proxy.
struct ProxyException {
  /// An address as IPv6; IPv4 as ::ffff:a.b.c.d.
  struct Block {
    std::array<std::uint8_t, 16> address{};
    unsigned bits = 128;  ///< that count
  };

  bool any = false;              ///< "*"
  std::string name{};            ///< this one and all below it
  std::optional<Block> block{};  ///< instead of a name
  std::uint16_t port = 0;        ///< 0: every port
};

/// Entries separated by commas or blanks: *, name, .name, *.name, address, address/bits, each with
/// :port where it has no bits (IPv6 then in brackets). What is none of these is skipped.
[[nodiscard]] std::vector<ProxyException> parse_no_proxy(std::string_view list);

struct ProxyRules {
  std::optional<Proxy> https{};  ///< for upstreams with TLS
  std::optional<Proxy> http{};   ///< for those without
  std::vector<ProxyException> except{};

  /// The proxy for an upstream, nullptr for none: loopback names and addresses never have one.
  /// `host` as Dsn has it. Lives as long as the rules.
  [[nodiscard]] const Proxy* choose(bool tls, std::string_view host, std::uint16_t port) const;
};

}  // namespace proto
