// Three lines: a proxy's URL, no_proxy, and host:port of an upstream (the port may be left out).
#include <doctest/doctest.h>

#include "proto/dsn.hpp"
#include "proto/number.hpp"
#include "proto/proxy.hpp"
#include "proto/url_text.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

void check_proxy(const proto::Proxy& proxy) {
  CHECK(proto::normalize_host(proxy.host) == proxy.host);
  CHECK(proxy.port != 0);
  // It becomes part of a header.
  CHECK(fuzz::is_one_line(proxy.authorization));
  const auto again = proto::parse_proxy(proxy.to_public_string(), proxy.variable);
  REQUIRE(again.has_value());
  CHECK(again->host == proxy.host);
  CHECK(again->port == proxy.port);
  CHECK(again->authorization.empty());
}

/// host[:port] as a URL has them.
void check_choice(proto::ProxyRules rules, std::string_view upstream) {
  const auto colon = upstream.rfind(':');
  const auto port = proto::parse_port(upstream.substr(std::min(colon + 1, upstream.size())));
  const std::string host = proto::normalize_host(port ? upstream.substr(0, colon) : upstream);
  const auto* chosen = rules.choose(true, host, port.value_or(443));
  CHECK(rules.choose(false, host, port.value_or(443)) == nullptr);
  CHECK(rules.choose(true, "localhost", 443) == nullptr);
  CHECK(rules.choose(true, "127.1.2.3", 443) == nullptr);
  CHECK(rules.choose(true, "::1", 443) == nullptr);
  // More exceptions never bring a proxy back.
  rules.except.push_back(proto::ProxyException{.name = "up.example"});
  if (chosen == nullptr) CHECK(rules.choose(true, host, port.value_or(443)) == nullptr);
  CHECK(rules.choose(true, "up.example", 443) == nullptr);
  CHECK(rules.choose(true, "o1.up.example", 443) == nullptr);
  rules.except.assign(1, proto::ProxyException{.any = true});
  CHECK(rules.choose(true, host, port.value_or(443)) == nullptr);
}

}  // namespace

void fuzz::proxy(std::string_view bytes) {
  Input input(bytes);
  const auto url = input.line();
  proto::ProxyRules rules;
  rules.except = proto::parse_no_proxy(input.line());
  for (const auto& exception : rules.except) {
    if (exception.block) CHECK(exception.block->bits <= 128);
    CHECK((exception.any || exception.block || !exception.name.empty()));
  }
  const auto parsed = proto::parse_proxy(url, "HTTPS_PROXY");
  if (parsed) check_proxy(*parsed);
  rules.https = parsed ? *parsed : proto::Proxy{"proxy.example", 80, "", "HTTPS_PROXY"};
  check_choice(std::move(rules), input.line());
}
