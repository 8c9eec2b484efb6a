#include "proto/proxy.hpp"

#include <algorithm>
#include <utility>

#include <arpa/inet.h>

#include "proto/ascii.hpp"
#include "proto/dsn.hpp"
#include "proto/errc.hpp"
#include "proto/number.hpp"
#include "proto/url_text.hpp"

namespace proto {
namespace {

using Block = ProxyException::Block;

constexpr std::size_t kIpv4At = 12;  // in ::ffff:a.b.c.d (RFC 4291, 2.5.5.2)
constexpr Block kLoopback4{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127}, 8 * kIpv4At + 8};
constexpr Block kLoopback6{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128};

/// host[:port] → both, the port with its colon. A bare IPv6 literal has no port.
std::pair<std::string_view, std::string_view> split_port(std::string_view text) {
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  const std::size_t colon = text.find(':', std::min(bracket, text.size()));
  const bool literal6 = bracket == 0 && colon != text.rfind(':');
  if (colon == std::string_view::npos || literal6) return {text, {}};
  return {text.substr(0, colon), text.substr(colon)};
}

/// `bits` counts all 128.
std::optional<Block> parse_address(std::string_view text) {
  const std::string copy(text);
  Block block;
  if (::inet_pton(AF_INET6, copy.c_str(), block.address.data()) == 1) return block;
  block.address[kIpv4At - 2] = block.address[kIpv4At - 1] = 0xFF;
  if (::inet_pton(AF_INET, copy.c_str(), block.address.data() + kIpv4At) == 1) return block;
  return std::nullopt;
}

/// address/bits
std::optional<Block> parse_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  auto block = parse_address(text.substr(0, slash));
  const auto bits = parse_number<unsigned>(text.substr(slash + 1));
  if (!block || !bits) return std::nullopt;
  const bool ipv6 = text.substr(0, slash).find(':') != std::string_view::npos;
  block->bits = ipv6 ? *bits : *bits + 8 * kIpv4At;
  // A sum that wrapped around is below what was added to.
  if (block->bits > 128 || block->bits < *bits) return std::nullopt;
  return block;
}

bool contains(const Block& block, const Block& address) {
  for (unsigned bit = 0; bit < block.bits; bit += 8) {
    const unsigned left = block.bits - bit;
    const unsigned mask = left >= 8 ? 0xFFU : 0xFFU << (8 - left);
    if (((block.address[bit / 8] ^ address.address[bit / 8]) & mask & 0xFFU) != 0) return false;
  }
  return true;
}

/// `name` itself or one below it, by whole labels.
bool is_at_or_below(std::string_view host, std::string_view name) {
  if (!host.ends_with(name)) return false;
  return host.size() == name.size() || host[host.size() - name.size() - 1] == '.';
}

std::optional<ProxyException> parse_exception(std::string_view entry) {
  ProxyException exception;
  exception.any = entry == "*";
  if (exception.any) return exception;
  if (entry.find('/') != std::string_view::npos) {
    exception.block = parse_block(entry);
    if (!exception.block) return std::nullopt;
    return exception;
  }
  const auto [text, port] = split_port(entry);
  if (!port.empty()) {
    const auto number = parse_port(port.substr(1));
    if (!number) return std::nullopt;
    exception.port = *number;
  }
  std::string name = normalize_host(text);
  exception.block = parse_address(name);
  if (name.starts_with("*.")) name.erase(0, 1);
  if (name.starts_with('.')) name.erase(0, 1);
  if (name.empty()) return std::nullopt;
  exception.name = std::move(name);
  return exception;
}

/// Whatever the variables say.
bool is_loopback(std::string_view host, const std::optional<Block>& address) {
  if (!address) return is_at_or_below(host, "localhost");
  return contains(kLoopback4, *address) || contains(kLoopback6, *address);
}

/// "Basic …" of user[:password]; RFC 7617 wants the colon even where nothing follows.
std::string basic(std::string_view userinfo) {
  const std::size_t colon = std::min(userinfo.find(':'), userinfo.size());
  const auto password = userinfo.substr(std::min(colon + 1, userinfo.size()));
  return "Basic " + encode_base64(decode_percent_text(userinfo.substr(0, colon)) + ":" +
                                  decode_percent_text(password));
}

}  // namespace

std::string Proxy::to_public_string() const { return to_authority(host, port); }

Result<Proxy> parse_proxy(std::string_view text, std::string_view variable) {
  const std::size_t scheme_end = text.find("://");
  if (scheme_end != std::string_view::npos) {
    if (!equal_ignoring_case(text.substr(0, scheme_end), "http")) return Errc::proxy_scheme;
    text.remove_prefix(scheme_end + 3);
  }
  Proxy proxy;
  proxy.variable = variable;
  // A password that somebody forgot to encode may hold an '@'. With a '/' in it nobody can tell
  // where it ends, and what is taken for the host is looked up and logged.
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  if (text.find('@', end) != std::string_view::npos) return Errc::proxy_host;
  text = text.substr(0, end);
  const std::size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    if (at > 0) proxy.authorization = basic(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  const auto [host, port] = split_port(text);
  proxy.host = normalize_host(host);
  if (proxy.host.empty()) return Errc::proxy_host;
  if (port.empty()) return proxy;
  const auto number = parse_port(port.substr(1));
  if (!number) return Errc::proxy_port;
  proxy.port = *number;
  return proxy;
}

std::vector<ProxyException> parse_no_proxy(std::string_view list) {
  constexpr std::string_view kBetween = ", \t";
  std::vector<ProxyException> exceptions;
  while (!list.empty()) {
    const auto entry = list.substr(0, list.find_first_of(kBetween));
    list.remove_prefix(std::min(entry.size() + 1, list.size()));
    if (auto exception = parse_exception(entry)) exceptions.push_back(std::move(*exception));
  }
  return exceptions;
}

const Proxy* ProxyRules::choose(bool tls, std::string_view host, std::uint16_t port) const {
  const auto& proxy = tls ? https : http;
  if (!proxy) return nullptr;
  const auto address = parse_address(host);
  if (is_loopback(host, address)) return nullptr;
  const bool excepted = std::ranges::any_of(except, [&](const ProxyException& exception) {
    if (exception.any) return true;
    if (exception.port != 0 && exception.port != port) return false;
    if (exception.block) return address && contains(*exception.block, *address);
    return !address && is_at_or_below(host, exception.name);
  });
  return excepted ? nullptr : &*proxy;
}

}  // namespace proto
