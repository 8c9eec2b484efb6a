#include "extension/commands/findings.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/error.hpp>
#include <doctest/doctest.h>

#include "relay/errc.hpp"

namespace {

using namespace extension;
using namespace std::chrono_literals;
using relay::TlsPeer;

constexpr auto kDsn = "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/42";
const relay::WallTime kNow{std::chrono::seconds{1795600000}};

std::vector<Finding> settings_findings(const Environment& environment,
                                       const Surroundings& surroundings = {}) {
  return findings_of(read_settings(environment), surroundings);
}

/// The finding of that name; fails the test without one.
Finding find(const std::vector<Finding>& findings, const std::string& what) {
  for (const auto& finding : findings) {
    if (finding.what == what) return finding;
  }
  FAIL("no finding " << what);
  return {};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A road on which everything went well.
RoadFacts good_road(const char* dsn = kDsn) {
  RoadFacts road;
  road.dsn = *proto::parse_dsn(dsn);
  road.addresses = {"192.0.2.1", "192.0.2.2"};
  road.connected_to = "192.0.2.1";
  road.peer = TlsPeer{.verdict = TlsPeer::Verdict::good,
                      .why = "ok",
                      .version = "TLSv1.3",
                      .issuer = "Let's Encrypt, R11",
                      .expires = kNow + 63 * 24h + 1h};
  road.roots = "embedded";
  road.answer = relay::UpstreamAnswer{.status = 200, .rate_limits = "", .retry_after = ""};
  road.dns = 3ms;
  road.tcp = 12ms;
  road.tls = 30ms;
  road.sentry = 20ms;
  return road;
}

Finding last_of(const RoadFacts& road) { return findings_of(road, kNow).back(); }

/// What is said of an answer with this status.
Finding answered(unsigned status, const std::string& limits = "") {
  auto road = good_road();
  road.answer->status = status;
  road.answer->rate_limits = limits;
  return last_of(road);
}

Finding rejected(TlsPeer::Verdict verdict) {
  auto road = good_road();
  road.peer =
      TlsPeer{.verdict = verdict, .why = "OpenSSL's words", .version = "TLSv1.3", .issuer = ""};
  road.answer.reset();
  road.failed = relay::Errc::certificate_rejected;
  return last_of(road);
}

}  // namespace

TEST_SUITE_BEGIN("extension/findings");

TEST_CASE("the settings are said as they were understood, keys shortened") {
  const auto findings = settings_findings({{"THAW_UPSTREAM_DSN", kDsn},
                                           {"THAW_ALLOWED_HOSTS", ".example.com,http://a.b:8080"},
                                           {"THAW_PACE", "overlap"}});
  CHECK(find(findings, "upstream").text == "https://0123…@o1.ingest.sentry.io/42");
  CHECK(find(findings, "allowed").text == ".example.com, http://a.b:8080");
  CHECK(find(findings, "pace").text == "overlap, holds an invoke at most 1000 ms");
  CHECK(find(findings, "journal").text == "/tmp/thaw can be written");
  CHECK(find(findings, "port").text == "9797 is free");
  CHECK_FALSE(any_failed(findings));
}

TEST_CASE("without a DSN it says what to set, and fails") {
  const auto findings = settings_findings({});
  CHECK(has(find(findings, "upstream").advice, "THAW_UPSTREAM_DSN"));
  CHECK(find(findings, "allowed").text == "sentry.io, .sentry.io");
  CHECK(any_failed(findings));
}

TEST_CASE("of a DSN that leads to Thaw it says so; of one that is none, what is wrong") {
  constexpr auto kOwn = "http://0123456789abcdef0123456789abcdef@127.0.0.1:9797/42";
  const auto own = find(settings_findings({{"SENTRY_DSN", kOwn}}), "upstream");
  CHECK(own.mark == Finding::Mark::failed);
  CHECK(has(own.text, "SENTRY_DSN leads to Thaw itself"));
  CHECK_FALSE(has(own.advice, "or SENTRY_DSN"));
  const auto none = find(settings_findings({{"SENTRY_DSN", "x"}}), "upstream");
  CHECK_FALSE(has(none.text, "itself"));
  const auto both = settings_findings({{"SENTRY_DSN", kOwn}, {"THAW_UPSTREAM_DSN", kDsn}});
  CHECK_FALSE(any_failed(both));
}

TEST_CASE("a Thaw that is switched off is a failure") {
  const auto findings = settings_findings({{"SENTRY_DSN", kDsn}, {"THAW_DISABLED", "1"}});
  CHECK(has(find(findings, "switch").text, "THAW_DISABLED"));
  CHECK(any_failed(findings));
}

TEST_CASE("each malformed setting is a failure with what is used instead") {
  const auto findings = settings_findings({{"SENTRY_DSN", kDsn}, {"THAW_PORT", "x"}});
  const auto wrong = find(findings, "settings");
  CHECK(wrong.text == "THAW_PORT: \"x\" is not a whole number from 0 to 65535");
  CHECK(wrong.advice == "using 9797");
  CHECK(any_failed(findings));
}

TEST_CASE("a journal that cannot be written is a failure; one that is off is none") {
  Surroundings surroundings;
  surroundings.journal = make_error_code(boost::system::errc::read_only_file_system);
  const auto findings = settings_findings({{"SENTRY_DSN", kDsn}}, surroundings);
  CHECK(has(find(findings, "journal").text, "Read-only file system"));
  CHECK(any_failed(findings));
  const auto off = settings_findings({{"SENTRY_DSN", kDsn}, {"THAW_JOURNAL", "off"}});
  CHECK(has(find(off, "journal").text, "in memory only"));
  CHECK_FALSE(any_failed(off));
}

TEST_CASE("a port that is taken is no failure, as a Thaw may run; one that is denied is") {
  Surroundings surroundings;
  surroundings.port = boost::asio::error::address_in_use;
  const auto taken = settings_findings({{"SENTRY_DSN", kDsn}}, surroundings);
  CHECK(has(find(taken, "port").text, "9797 is taken"));
  CHECK_FALSE(any_failed(taken));
  surroundings.port = boost::asio::error::access_denied;
  const auto findings = settings_findings({{"SENTRY_DSN", kDsn}}, surroundings);
  CHECK(has(find(findings, "port").advice, "THAW_PORT"));
  CHECK(any_failed(findings));
}

TEST_CASE("a road that goes to its end is four good lines") {
  std::string text;
  for (const auto& finding : findings_of(good_road(), kNow)) text += to_text(finding);
  CHECK(text ==
        "  ok      DNS           3 ms  o1.ingest.sentry.io is 192.0.2.1, 192.0.2.2\n"
        "  ok      TCP          12 ms  192.0.2.1 listens on 443\n"
        "  ok      TLS          30 ms  TLSv1.3, issued by Let's Encrypt, R11, expires in 63 days, "
        "trusted by embedded\n"
        "  ok      Sentry       20 ms  200, it takes this key\n");
}

TEST_CASE("plain http has no line for TLS") {
  auto road = good_road("http://0123456789abcdef0123456789abcdef@192.0.2.1:8080/42");
  road.addresses = {"192.0.2.1"};
  road.peer.reset();
  const auto findings = findings_of(road, kNow);
  CHECK(findings.size() == 3);
  CHECK(findings[0].text == "192.0.2.1 is an address");
  CHECK_FALSE(any_failed(findings));
}

TEST_CASE("the first step that was not reached is the last line, and fails with advice") {
  auto road = good_road();
  road.answer.reset();
  road.failed = boost::asio::error::timed_out;
  CHECK(last_of(road).what == "Sentry");
  CHECK(last_of(road).text == "no answer in time");
  road.failed = relay::Errc::deadline_exceeded;
  CHECK(last_of(road).text == "no answer in time");
  road.failed = boost::asio::error::connection_reset;
  CHECK(last_of(road).text == "Connection reset by peer");
  road.peer.reset();
  CHECK(last_of(road).what == "TLS");
  CHECK(has(last_of(road).advice, "speak TLS"));
  road.failed = relay::Errc::no_trust;
  CHECK(last_of(road).advice.empty());
  road.connected_to.clear();
  CHECK(last_of(road).what == "TCP");
  CHECK(has(last_of(road).advice, "NAT"));
  road.failed = boost::asio::error::connection_refused;
  CHECK(has(last_of(road).advice, "nobody listens at o1.ingest.sentry.io:443"));
  road.addresses.clear();
  road.failed = relay::Errc::name_not_found;
  CHECK(last_of(road).what == "DNS");
  CHECK(last_of(road).mark == Finding::Mark::failed);
  CHECK(has(last_of(road).advice, "o1.ingest.sentry.io spelt"));
  road.failed = relay::Errc::name_server_failed;
  CHECK(has(last_of(road).advice, "/etc/resolv.conf"));
  CHECK(findings_of(road, kNow).size() == 1);
}

TEST_CASE("a certificate is rejected for a reason, and each has its advice") {
  CHECK(has(rejected(TlsPeer::Verdict::not_trusted).text, "OpenSSL's words (roots: embedded)"));
  CHECK(has(rejected(TlsPeer::Verdict::not_trusted).advice, "THAW_CA_FILE"));
  CHECK(has(rejected(TlsPeer::Verdict::out_of_date).advice, "2026-11-25T"));
  CHECK(has(rejected(TlsPeer::Verdict::other_name).advice, "not made for o1.ingest.sentry.io"));
}

TEST_CASE("a file of roots that is set and was not taken is a failure, even where TLS fails") {
  auto road = good_road();
  road.ssl_cert_file = "/other.pem";
  CHECK(has(find(findings_of(road, kNow), "roots").text, "SSL_CERT_FILE=/other.pem"));
  road.peer->verdict = TlsPeer::Verdict::not_trusted;
  CHECK(find(findings_of(road, kNow), "roots").mark == Finding::Mark::failed);
  road.peer->verdict = TlsPeer::Verdict::good;
  road.ca_file = "/missing.pem";
  const auto findings = findings_of(road, kNow);
  CHECK(has(find(findings, "roots").text, "THAW_CA_FILE=/missing.pem"));
  CHECK(any_failed(findings));
  road.roots = road.ca_file;
  CHECK_FALSE(any_failed(findings_of(road, kNow)));
}

TEST_CASE("what Sentry's answer means") {
  CHECK(answered(200).mark == Finding::Mark::good);
  CHECK(has(answered(200, "60:error:key").text, "limits in force: 60:error:key"));
  CHECK(answered(429).mark == Finding::Mark::good);
  for (const unsigned status : {100U, 199U, 300U, 302U, 400U, 401U, 403U, 404U, 407U, 500U, 503U}) {
    CAPTURE(status);
    CHECK(answered(status).mark == Finding::Mark::failed);
    CHECK_FALSE(answered(status).advice.empty());
  }
  CHECK(has(answered(403).advice, "does not know this key"));
  for (const unsigned status : {500U, 503U}) {
    CHECK(has(answered(status).advice, "status.sentry.io"));
  }
  for (const unsigned status : {300U, 302U, 399U}) {
    CHECK(has(answered(status).advice, "redirects are not followed"));
  }
  for (const unsigned status : {199U, 400U, 499U}) {
    CHECK(has(answered(status).advice, "is what answers Sentry?"));
  }
}

TEST_CASE("nothing that is said moves the terminal's cursor") {
  const auto line = to_text({Finding::Mark::failed, "TLS", "a\x1b[2Jb\nc\x7f", {}, "d\re"});
  CHECK(line == "  FAILED  TLS       a\uFFFD[2Jb c\uFFFD -> d e\n");
  CHECK(has(to_text({Finding::Mark::good, "TLS",
                     "issued by \xC2\x9B"
                     "2J"}),
            "by \uFFFD2J"));
}

TEST_CASE(
    "through a proxy the first steps are the proxy's, and what it answered is one of its own") {
  RoadFacts road = good_road();
  road.proxy = *proto::parse_proxy("http://user:secret@proxy.test:3128", "HTTPS_PROXY");
  road.proxy_status = 200;
  const auto well = findings_of(road, kNow);
  CHECK_FALSE(any_failed(well));
  CHECK(find(well, "DNS").text == "proxy.test is 192.0.2.1, 192.0.2.2");
  CHECK(find(well, "TCP").text == "192.0.2.1 listens on 3128");
  CHECK(find(well, "proxy").text ==
        "proxy.test:3128 of HTTPS_PROXY answers 200 for o1.ingest.sentry.io:443");
  CHECK(find(well, "Sentry").mark == Finding::Mark::good);
  for (const auto& [status, advice] :
       {std::pair{407U, "a user and a password"}, std::pair{401U, "a user and a password"},
        std::pair{403U, "no_proxy"}, std::pair{499U, "no_proxy"}, std::pair{500U, "its log"},
        std::pair{502U, "its log"}}) {
    CAPTURE(status);
    road.proxy_status = status;
    CHECK(last_of(road).what == "proxy");
    CHECK(last_of(road).mark == Finding::Mark::failed);
    CHECK(has(last_of(road).advice, advice));
  }
  road.proxy_status.reset();
  road.failed = relay::Errc::proxy_unreachable;
  CHECK(has(last_of(road).advice, "CONNECT"));
  road.connected_to.clear();
  CHECK(has(last_of(road).advice, "does proxy.test:3128 of HTTPS_PROXY run"));
  road.addresses.clear();
  CHECK(has(last_of(road).advice, "proxy.test of HTTPS_PROXY spelt right"));
  for (const auto& finding : findings_of(road, kNow)) CHECK_FALSE(has(to_text(finding), "secret"));
}

TEST_CASE("without TLS a proxy is named, and asked for nothing but the request") {
  RoadFacts road = good_road("http://0123456789abcdef0123456789abcdef@relay.test/42");
  road.proxy = *proto::parse_proxy("proxy.test:3128", "http_proxy");
  road.peer.reset();
  const auto findings = findings_of(road, kNow);
  CHECK(find(findings, "proxy").text == "proxy.test:3128 of http_proxy");
  CHECK_FALSE(any_failed(findings));
}

TEST_SUITE_END();
