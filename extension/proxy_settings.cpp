// Which proxy the operator named: THAW_PROXY, else the variables that other programs read, too.
#include <algorithm>
#include <initializer_list>
#include <optional>

#include "extension/settings_rows.hpp"
#include "proto/proxy.hpp"

namespace extension {
namespace {

constexpr std::string_view kOwn = "THAW_PROXY";
constexpr std::string_view kDirect = "direct";

std::optional<proto::Proxy> usable(std::string_view value, std::string_view variable,
                                   std::vector<Complaint>& complaints) {
  auto proxy = proto::parse_proxy(value, variable);
  if (proxy) return *proxy;
  // There may be a password in it: it is not repeated.
  complaints.push_back(
      {std::string(variable), proxy.error().message(), "going on as if it were not set"});
  return std::nullopt;
}

/// The first of them that is set and can be used.
std::optional<proto::Proxy> first_of(const Environment& environment,
                                     std::initializer_list<std::string_view> names,
                                     std::vector<Complaint>& complaints) {
  for (const auto name : names) {
    const auto value = value_of(environment, name);
    if (value.empty()) continue;
    if (auto proxy = usable(value, name, complaints)) return proxy;
  }
  return std::nullopt;
}

bool has_plain_upstream(const relay::RouteSettings& route) {
  const auto plain = [](const auto& upstream) { return !upstream.tls; };
  return std::ranges::any_of(route.configured, plain) ||
         std::ranges::any_of(route.allowed_hosts, plain);
}

}  // namespace

void take_own_proxy(Settings& settings, std::string_view value,
                    std::vector<Complaint>& complaints) {
  if (value == kDirect) return;
  auto& proxies = settings.upstream.proxies;
  proxies.https = proxies.http = usable(value, kOwn, complaints);
}

void take_proxies(Settings& settings, const Environment& environment,
                  std::vector<Complaint>& complaints) {
  auto& proxies = settings.upstream.proxies;
  if (!proxies.https && value_of(environment, kOwn) != kDirect) {
    proxies.https = first_of(environment, {"https_proxy", "HTTPS_PROXY"}, complaints);
    // In capitals it may have come with somebody's request (httpoxy, CVE-2016-5385).
    if (has_plain_upstream(settings.relay.route)) {
      proxies.http = first_of(environment, {"http_proxy"}, complaints);
    }
  }
  auto except = value_of(environment, "no_proxy");
  if (except.empty()) except = value_of(environment, "NO_PROXY");
  proxies.except = proto::parse_no_proxy(except);
}

}  // namespace extension
