#include "extension/commands/findings.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include <boost/asio/error.hpp>

#include "proto/printable.hpp"
#include "proto/timestamp.hpp"
#include "proto/url_text.hpp"
#include "relay/errc.hpp"

namespace extension {
namespace {

using Findings = std::vector<Finding>;
using Mark = Finding::Mark;
using relay::TlsPeer;

void fact(Findings& to, std::string what, std::string text) {
  to.push_back({Mark::fact, std::move(what), std::move(text)});
}

void failed(Findings& to, std::string what, std::string text, std::string advice) {
  to.push_back({Mark::failed, std::move(what), std::move(text), {}, std::move(advice)});
}

std::string joined(const std::vector<std::string>& parts) {
  std::string all;
  for (const auto& part : parts) all += (all.empty() ? "" : ", ") + part;
  return all;
}

// As THAW_ALLOWED_HOSTS has it.
std::string to_string(const relay::HostRule& rule) {
  std::string text = rule.tls ? "" : "http://";
  if (rule.suffix) text += '.';
  text += rule.host;
  if (rule.port != (rule.tls ? 443 : 80)) text += ":" + std::to_string(rule.port);
  return text;
}

/// SENTRY_DSN is the SDK's, which leads to Thaw: of that there is no complaint, and no upstream.
bool has_only_its_own(const SettingsReading& reading) {
  const auto is_set = [](const auto& setting) {
    return setting.name == "SENTRY_DSN" && !setting.is_default;
  };
  const auto is_wrong = [](const Complaint& about) { return about.variable == "SENTRY_DSN"; };
  return std::ranges::any_of(reading.in_effect, is_set) &&
         std::ranges::none_of(reading.complaints, is_wrong);
}

void tell_upstreams(const SettingsReading& reading, Findings& to) {
  const relay::RouteSettings& route = reading.settings.relay.route;
  for (const auto& dsn : route.configured) fact(to, "upstream", proto::to_public_string(dsn));
  if (route.configured.empty() && has_only_its_own(reading)) {
    failed(to, "upstream", "SENTRY_DSN leads to Thaw itself: there is nothing to test",
           "set THAW_UPSTREAM_DSN to the DSN of your Sentry project");
  } else if (route.configured.empty()) {
    failed(to, "upstream", "no DSN is configured: there is nothing to test",
           "set THAW_UPSTREAM_DSN or SENTRY_DSN to the DSN of your Sentry project");
  }
  std::vector<std::string> hosts;
  hosts.reserve(route.allowed_hosts.size() + 2);
  for (const auto& rule : route.allowed_hosts) hosts.push_back(to_string(rule));
  if (route.configured.empty()) hosts.insert(hosts.end(), {"sentry.io", ".sentry.io"});
  if (!hosts.empty()) fact(to, "allowed", joined(hosts));
}

void tell_journal(const Settings& settings, const boost::system::error_code& trouble,
                  Findings& to) {
  if (!settings.journal) return fact(to, "journal", "off: what waits is in memory only");
  if (!trouble) {
    to.push_back({Mark::good, "journal", settings.spool_dir + " can be written"});
    return;
  }
  failed(to, "journal",
         settings.spool_dir + " cannot be written (" + trouble.message() +
             "): what waits would be in memory only",
         "set THAW_SPOOL_DIR to a folder below one that this user can write, as /tmp/thaw");
}

void tell_port(std::uint16_t port, const boost::system::error_code& trouble, Findings& to) {
  const std::string name = std::to_string(port);
  if (port == 0) return fact(to, "port", "any free one");
  if (!trouble) {
    to.push_back({Mark::good, "port", name + " is free"});
  } else if (trouble == boost::asio::error::address_in_use) {
    // As it is where a Thaw runs already: no failure.
    fact(to, "port", name + " is taken, by a Thaw that runs already or another program");
  } else {
    failed(to, "port", name + " cannot be had (" + trouble.message() + ")",
           "set THAW_PORT to another one");
  }
}

std::string name_of_host(const proto::Dsn& dsn) { return proto::to_authority(dsn.host, dsn.port); }

Finding failed_step(std::string what, const boost::system::error_code& why,
                    relay::milliseconds took, std::string advice) {
  const bool late = why == boost::asio::error::timed_out || why == relay::Errc::deadline_exceeded;
  return {Mark::failed, std::move(what), late ? "no answer in time" : why.message(), took,
          std::move(advice)};
}

/// Who is looked up and connected to.
std::string next_host(const RoadFacts& road) {
  return road.proxy ? road.proxy->host : road.dsn.host;
}

Finding dns_finding(const RoadFacts& road) {
  const std::string host = next_host(road);
  if (road.addresses == std::vector{host})
    return {Mark::good, "DNS", host + " is an address", road.dns};
  if (!road.addresses.empty())
    return {Mark::good, "DNS", host + " is " + joined(road.addresses), road.dns};
  if (road.proxy) {
    return failed_step("DNS", road.failed, road.dns,
                       "is the proxy " + host + " of " + road.proxy->variable + " spelt right?");
  }
  const bool unknown = road.failed == relay::Errc::name_not_found;
  return failed_step("DNS", road.failed, road.dns,
                     unknown ? "is " + host + " spelt as in Sentry's settings?"
                             : "ask /etc/resolv.conf which name server that is; in a VPC, is its "
                               "DNS resolution on?");
}

Finding tcp_finding(const RoadFacts& road) {
  const std::string port = std::to_string(road.proxy ? road.proxy->port : road.dsn.port);
  if (!road.connected_to.empty())
    return {Mark::good, "TCP", road.connected_to + " listens on " + port, road.tcp};
  if (road.proxy) {
    return failed_step("TCP", road.failed, road.tcp,
                       "does " + road.proxy->to_public_string() + " of " + road.proxy->variable +
                           " run, and may this function reach it?");
  }
  const bool refused = road.failed == boost::asio::error::connection_refused;
  return failed_step("TCP", road.failed, road.tcp,
                     refused ? "nobody listens at " + name_of_host(road.dsn) +
                                   ": are host and port of the DSN right?"
                             : "a function in a VPC needs a NAT gateway or a proxy, and a security "
                               "group that lets " +
                                   port + " out");
}

Finding proxy_finding(const RoadFacts& road) {
  const std::string who = road.proxy->to_public_string() + " of " + road.proxy->variable;
  const std::string asked = " for " + name_of_host(road.dsn);
  if (!road.proxy_status) {
    return failed_step("proxy", road.failed, road.proxy_took,
                       "is " + who + " an http proxy, and does it let CONNECT through?");
  }
  const std::string text = who + " answers " + std::to_string(*road.proxy_status) + asked;
  if (*road.proxy_status / 100 == 2) return {Mark::good, "proxy", text, road.proxy_took};
  const bool wants_user = *road.proxy_status == 407 || *road.proxy_status == 401;
  if (*road.proxy_status >= 500) {
    return {Mark::failed, "proxy", text, road.proxy_took,
            "it could not reach that host itself: look at its log"};
  }
  return {Mark::failed, "proxy", text, road.proxy_took,
          wants_user ? "it wants a user and a password: http://user:password@host:port"
                     : "let it allow that host, or name the host in no_proxy"};
}

std::string advice_on(const TlsPeer& peer, const std::string& host, relay::WallTime now) {
  switch (peer.verdict) {
    case TlsPeer::Verdict::good:
      break;
    case TlsPeer::Verdict::out_of_date:
      return "if " + proto::to_rfc3339(now) + " is the time, its owner must renew it";
    case TlsPeer::Verdict::other_name:
      return "it is not made for " + host + ": is the host of the DSN right?";
    case TlsPeer::Verdict::not_trusted:
      return "if it is right, name its root with THAW_CA_FILE";
  }
  return "";
}

Finding tls_finding(const RoadFacts& road, relay::WallTime now) {
  if (!road.peer) {
    return failed_step("TLS", road.failed, road.tls,
                       road.failed == relay::Errc::no_trust
                           ? ""
                           : "does " + name_of_host(road.dsn) + " speak TLS 1.2 or 1.3?");
  }
  const TlsPeer& peer = *road.peer;
  if (peer.verdict != TlsPeer::Verdict::good) {
    return {Mark::failed, "TLS",
            "certificate rejected: " + peer.why + " (roots: " + road.roots + ")", road.tls,
            advice_on(peer, road.dsn.host, now)};
  }
  const auto days = std::chrono::floor<std::chrono::days>(peer.expires - now).count();
  return {Mark::good, "TLS",
          peer.version + ", issued by " + peer.issuer + ", expires in " + std::to_string(days) +
              " days, trusted by " + road.roots,
          road.tls};
}

void tell_unusable_roots(const RoadFacts& road, Findings& to) {
  const bool own = !road.ca_file.empty();
  const std::string& wanted = own ? road.ca_file : road.ssl_cert_file;
  if (wanted.empty() || wanted == road.roots) return;
  failed(to, "roots", (own ? "THAW_CA_FILE=" : "SSL_CERT_FILE=") + wanted + " cannot be used",
         "name a readable file of PEM certificates");
}

std::string advice_on(unsigned status) {
  switch (status) {
    case 401:
      return "something on the way takes the X-Sentry-Auth header off";
    case 403:
      return "Sentry does not know this key, or it is disabled: take the DSN from the project's "
             "settings, Client Keys";
    case 404:
      return "that is no Sentry: are host and path of the DSN right?";
    default:
      break;
  }
  if (status >= 500) return "Sentry, or what stands before it, is in trouble: status.sentry.io";
  if (status >= 300 && status < 400) return "redirects are not followed: is the DSN's host right?";
  return "is what answers Sentry?";
}

Finding sentry_finding(const RoadFacts& road) {
  if (!road.answer) {
    return failed_step(
        "Sentry", road.failed, road.sentry,
        "connected, but no answer to a request: is it Sentry, or a proxy before it?");
  }
  const auto& answer = *road.answer;
  const std::string status = std::to_string(answer.status);
  const std::string limits =
      answer.rate_limits.empty() ? "" : "; limits in force: " + answer.rate_limits;
  if (answer.status / 100 == 2)
    return {Mark::good, "Sentry", status + ", it takes this key" + limits, road.sentry};
  if (answer.status == 429)
    return {Mark::good, "Sentry", "429, it takes this key, but not now" + limits, road.sentry};
  return {Mark::failed, "Sentry", "answers " + status, road.sentry, advice_on(answer.status)};
}

}  // namespace

std::vector<Finding> findings_of(const SettingsReading& reading, const Surroundings& surroundings) {
  const Settings& settings = reading.settings;
  Findings findings;
  if (settings.relay.intake.disabled) {
    failed(findings, "switch", "THAW_DISABLED is set: Thaw takes envelopes and drops them",
           "unset it");
  }
  tell_upstreams(reading, findings);
  fact(findings, "pace",
       std::string(to_string(settings.pace.pace)) + ", holds an invoke at most " +
           std::to_string(settings.pace.budget.count()) + " ms");
  tell_journal(settings, surroundings.journal, findings);
  tell_port(settings.relay.listener.port, surroundings.port, findings);
  for (const auto& complaint : reading.complaints) {
    failed(findings, "settings", complaint.variable + ": " + complaint.problem, complaint.instead);
  }
  return findings;
}

std::vector<Finding> findings_of(const RoadFacts& road, relay::WallTime now) {
  Findings findings;
  const auto add = [&](Finding finding) {
    findings.push_back(std::move(finding));
    return findings.back().mark == Mark::good;
  };
  if (road.proxy && !road.dsn.tls) {
    fact(findings, "proxy", road.proxy->to_public_string() + " of " + road.proxy->variable);
  }
  if (!add(dns_finding(road)) || !add(tcp_finding(road))) return findings;
  if (road.proxy && road.dsn.tls && !add(proxy_finding(road))) return findings;
  if (road.dsn.tls) {
    if (road.peer) tell_unusable_roots(road, findings);
    if (!add(tls_finding(road, now))) return findings;
  }
  add(sentry_finding(road));
  return findings;
}

bool any_failed(const std::vector<Finding>& findings) {
  return std::ranges::any_of(findings, [](const auto& f) { return f.mark == Mark::failed; });
}

std::string to_text(const Finding& finding) {
  static constexpr std::array<std::string_view, 3> kMarks = {"", "ok", "FAILED"};
  std::string line = "  " + std::string(kMarks.at(static_cast<std::size_t>(finding.mark)));
  line.resize(10, ' ');
  line += finding.what;
  line.resize(20, ' ');
  if (finding.took) {
    const std::string took = std::to_string(finding.took->count()) + " ms";
    line.append(took.size() < 8 ? 8 - took.size() : 0, ' ').append(took + "  ");
  }
  line += finding.text;
  if (!finding.advice.empty()) line += " -> " + finding.advice;
  // What a certificate, a peer or a variable says must not reach the terminal as a command.
  return proto::printable(line) + "\n";
}

}  // namespace extension
