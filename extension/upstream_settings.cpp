// Which upstreams the operator named: THAW_UPSTREAM_DSN, SENTRY_DSN and THAW_ALLOWED_HOSTS.
#include <algorithm>
#include <optional>
#include <utility>

#include "extension/settings_rows.hpp"
#include "proto/ascii.hpp"
#include "proto/dsn.hpp"
#include "proto/number.hpp"
#include "relay/route.hpp"

namespace extension {
namespace {

using relay::HostRule;

// Calls `each` for every entry of a comma separated list that is not blank.
template <class Each>
void for_each_entry(std::string_view list, Each&& each) {
  while (!list.empty()) {
    const auto entry = list.substr(0, list.find(','));
    list.remove_prefix(std::min(entry.size() + 1, list.size()));
    if (const auto word = proto::trimmed(entry); !word.empty()) each(word);
  }
}

// Thaw's own listener: sending there would be a circle.
bool names_thaw(const proto::Dsn& dsn, const Settings& settings) {
  return dsn.port == settings.relay.listener.port && relay::is_loopback_name(dsn.host);
}

void configure(Settings& settings, proto::Dsn dsn) {
  auto& configured = settings.relay.route.configured;
  if (std::find(configured.begin(), configured.end(), dsn) == configured.end()) {
    configured.push_back(std::move(dsn));
  }
}

// The colon before a port: not one of an IPv6 literal's, whether it has brackets or not.
std::size_t port_colon(std::string_view host) {
  const auto last = host.rfind(':');
  if (last == std::string_view::npos) return last;
  if (host.starts_with('[')) return last > host.find(']') ? last : std::string_view::npos;
  return host.find(':') == last ? last : std::string_view::npos;
}

std::optional<HostRule> parse_host_rule(std::string_view entry) {
  HostRule rule;
  if (entry.starts_with("https://")) {
    entry.remove_prefix(8);
  } else if (entry.starts_with("http://")) {
    entry.remove_prefix(7);
    rule.tls = false;
    rule.port = 80;
  }
  if (const auto colon = port_colon(entry); colon != std::string_view::npos) {
    const auto port = proto::parse_port(entry.substr(colon + 1));
    if (!port) return std::nullopt;
    rule.port = *port;
    entry = entry.substr(0, colon);
  }
  rule.suffix = entry.starts_with('.');
  if (rule.suffix) entry.remove_prefix(1);
  rule.host = proto::normalize_host(entry);
  // "*.example.com" is how others write ".example.com": taken as a name it would match nothing.
  if (rule.host.empty() || rule.host.starts_with('.') || rule.host.find('*') != std::string::npos) {
    return std::nullopt;
  }
  return rule;
}

}  // namespace

void take_upstream_dsns(Settings& settings, std::string_view value,
                        std::vector<Complaint>& complaints) {
  constexpr auto* kName = "THAW_UPSTREAM_DSN";
  for_each_entry(value, [&](std::string_view entry) {
    // A DSN is a secret of sorts: complaints name its place, not its text.
    auto dsn = proto::parse_dsn(entry);
    if (!dsn) {
      complaints.push_back(
          {kName, "an entry is not a DSN: " + dsn.error().message(), "ignoring it"});
    } else if (names_thaw(*dsn, settings)) {
      complaints.push_back({kName, "names Thaw's own port", "ignoring it; give it Sentry's DSN"});
    } else {
      configure(settings, std::move(*dsn));
    }
  });
}

void take_sentry_dsn(Settings& settings, std::string_view value,
                     std::vector<Complaint>& complaints) {
  // What stands before the last DSN of a list could be read as that one's path.
  if (value.find(',') != std::string_view::npos) {
    complaints.push_back(
        {"SENTRY_DSN", "has a comma: it is one DSN, a list is THAW_UPSTREAM_DSN's", "ignoring it"});
    return;
  }
  auto dsn = proto::parse_dsn(value);
  if (!dsn) {
    complaints.push_back({"SENTRY_DSN", "is not a DSN: " + dsn.error().message(), "ignoring it"});
  } else if (!names_thaw(*dsn, settings)) {
    configure(settings, std::move(*dsn));
  }
}

void take_allowed_hosts(Settings& settings, std::string_view value,
                        std::vector<Complaint>& complaints) {
  for_each_entry(value, [&](std::string_view entry) {
    if (auto rule = parse_host_rule(entry)) {
      settings.relay.route.allowed_hosts.push_back(std::move(*rule));
    } else {
      // What stands before a host is perhaps a DSN's key.
      const auto shown = entry.substr(entry.rfind('@') + 1);
      complaints.push_back(
          {"THAW_ALLOWED_HOSTS",
           quoted(shown) + " is none of host, host:port, .suffix, http://host:port",
           "ignoring it"});
    }
  });
}

std::string public_dsns(std::string_view list) {
  std::string out;
  for_each_entry(list, [&](std::string_view word) {
    const auto dsn = proto::parse_dsn(word);
    out.append(out.empty() ? "" : ", ").append(dsn ? to_public_string(*dsn) : "?");
  });
  return out;
}

}  // namespace extension
