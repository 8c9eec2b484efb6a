#include "extension/settings.hpp"

#include <functional>
#include <string>

#include <doctest/doctest.h>

#include "extension/settings_rows.hpp"

namespace {

using namespace extension;

constexpr std::size_t kMiB = 1024UL * 1024;
constexpr auto kKey = "0123456789abcdef0123456789abcdef";

std::string dsn(const std::string& rest) { return "https://" + std::string(kKey) + "@" + rest; }

Settings settings_of(const Environment& environment) {
  auto reading = read_settings(environment);
  for (const auto& complaint : reading.complaints) MESSAGE(to_string(complaint));
  CHECK(reading.complaints.empty());
  return reading.settings;
}

struct Number {
  std::string name;
  std::int64_t min, max, fallback;
  std::function<std::int64_t(const Settings&)> value;
};

// The limits of the table, written down a second time so that a slip there is seen.
const Number kNumbers[] = {
    {"THAW_PORT", 0, 65535, 9797, [](const Settings& s) { return s.relay.listener.port; }},
    {"THAW_BUDGET_MS", 0, 900'000, 1000, [](const Settings& s) { return s.pace.budget.count(); }},
    {"THAW_QUIET_MS", 0, 60'000, 20, [](const Settings& s) { return s.pace.quiet.count(); }},
    {"THAW_SOON_MS", 0, 900'000, 2000, [](const Settings& s) { return s.pace.soon.count(); }},
    {"THAW_FAILURE_LOG_LINES", 0, 100, 0,
     [](const Settings& s) { return static_cast<std::int64_t>(s.failure_log_lines); }},
    {"THAW_EMF_MINUTES", 0, 1440, 0, [](const Settings& s) { return s.emf.count(); }},
    {"THAW_REPORT_FAILURES", 0, 1, 1, [](const Settings& s) { return s.report_failures ? 1 : 0; }},
    {"THAW_LATE_MS", 0, 60'000, 250,
     [](const Settings& s) { return s.relay.delivery.late.count(); }},
    {"THAW_PROBE_MS", 0, 900'000, 500, [](const Settings& s) { return s.pace.probe.count(); }},
    {"THAW_BREAKER_FAILURES", 1, 1000, 3,
     [](const Settings& s) { return s.relay.delivery.breaker_failures; }},
    {"THAW_SPOOL_MIB", 1, 10'240, 64,
     [](const Settings& s) { return static_cast<std::int64_t>(s.spool_bytes / kMiB); }},
    {"THAW_MEMORY_MIB", 1, 10'240, 16,
     [](const Settings& s) { return static_cast<std::int64_t>(s.relay.backlog.max_bytes / kMiB); }},
    {"THAW_MAX_WAITING", 1, 1'000'000, 10'000,
     [](const Settings& s) { return static_cast<std::int64_t>(s.relay.backlog.max_waiting); }},
    {"THAW_MAX_BODY_MIB", 1, 1024, 20,
     [](const Settings& s) {
       return static_cast<std::int64_t>(s.relay.listener.max_body_bytes / kMiB);
     }},
    {"THAW_MAX_CLIENTS", 1, 900, 128,
     [](const Settings& s) { return static_cast<std::int64_t>(s.relay.listener.max_clients); }},
    {"THAW_READ_MS", 100, 900'000, 10'000,
     [](const Settings& s) { return s.relay.listener.read.count(); }},
    {"THAW_CONNECTIONS", 1, 64, 16,
     [](const Settings& s) { return static_cast<std::int64_t>(s.relay.delivery.connections); }},
    {"THAW_CONNECT_MS", 50, 60'000, 1500,
     [](const Settings& s) { return s.upstream.connect.count(); }},
    {"THAW_REQUEST_MS", 100, 900'000, 5000,
     [](const Settings& s) { return s.relay.delivery.request.count(); }},
    {"THAW_REUSE_MS", 0, 900'000, 5000, [](const Settings& s) { return s.upstream.reuse.count(); }},
    {"THAW_MAX_DSNS", 1, 10'000, 32,
     [](const Settings& s) { return static_cast<std::int64_t>(s.relay.route.max_dsns); }},
};

}  // namespace

TEST_SUITE_BEGIN("extension/settings");

TEST_CASE("port 9000 is left to Sentry's extension where it is installed, and that is said once") {
  const Environment wanted{{"THAW_PORT", " 9000 "}};
  CHECK(settings_of(wanted).relay.listener.port == 9000);
  const auto reading = read_settings(wanted, true);
  CHECK(reading.settings.relay.listener.port == 9797);
  REQUIRE(reading.complaints.size() == 1);
  CHECK(to_string(reading.complaints[0]).starts_with("THAW_PORT: 9000 belongs to Sentry's own"));
  CHECK(to_string(reading.complaints[0]).ends_with("; using 9797"));
  for (const auto* port : {"8999", "9001", "0", ""}) {
    CAPTURE(port);
    CHECK(read_settings({{"THAW_PORT", port}}, true).complaints.empty());
  }
  CHECK(read_settings({}, true).settings.relay.listener.port == 9797);
}

TEST_CASE("a DSN at the port that is used instead names Thaw itself") {
  const Environment environment{
      {"THAW_PORT", "9000"}, {"SENTRY_DSN", "http://" + std::string(kKey) + "@localhost:9797/42"}};
  CHECK(read_settings(environment).settings.relay.route.configured.size() == 1);
  CHECK(read_settings(environment, true).settings.relay.route.configured.empty());
}

TEST_CASE("the kill switch: whatever it is set to but 0, and then without a journal") {
  for (const std::string value : {"1", "true", "yes", "x"}) {
    const auto settings = settings_of({{"THAW_DISABLED", value}, {"THAW_JOURNAL", "on"}});
    CHECK(settings.relay.intake.disabled);
    CHECK_FALSE(settings.journal);
  }
  for (const std::string value : {"", "0", " 0 "}) {
    const auto settings = settings_of({{"THAW_DISABLED", value}});
    CHECK_FALSE(settings.relay.intake.disabled);
    CHECK(settings.journal);
  }
}

TEST_CASE("an empty environment gives the defaults and no complaint") {
  const auto settings = settings_of({});
  for (const auto& number : kNumbers) {
    CAPTURE(number.name);
    CHECK(number.value(settings) == number.fallback);
  }
  CHECK(settings.pace.pace == Pace::adaptive);
  CHECK(settings.telemetry);
  CHECK(settings.journal);
  CHECK(settings.spool_dir == "/tmp/thaw");
  CHECK(settings.relay.delivery.compression == relay::Compression::zstd);
  CHECK(settings.log.level == relay::LogLevel::warn);
  CHECK_FALSE(settings.log.json);
  CHECK(settings.runtime_api.empty());
  CHECK(settings.relay.intake.max_decoded_bytes == 40 * kMiB);
}

TEST_CASE("settings in effect are told without anything secret") {
  const auto shown = [](const Environment& environment, std::string_view name) {
    for (const auto& setting : extension::read_settings(environment).in_effect) {
      if (setting.name == name) return setting.value + (setting.is_default ? " (default)" : "");
    }
    return std::string("absent");
  };
  CHECK(shown({}, "THAW_PORT") == "9797 (default)");
  CHECK(shown({{"THAW_PORT", "9000"}}, "THAW_PORT") == "9000");
  CHECK(shown({{"THAW_PORT", "many"}}, "THAW_PORT") == "9797 (default)");
  CHECK(shown({{"THAW_SPOOL_DIR", "here"}}, "THAW_SPOOL_DIR") == "/tmp/thaw (default)");
  CHECK(shown({{"THAW_UPSTREAM_DSN", "https://abcdef0123456789abcdef0123456789@h/1, x"}},
              "THAW_UPSTREAM_DSN") == "https://abcd…@h/1, ?");
  const auto* const proxy = "http://user:secret@proxy.local:3128";
  CHECK(shown({{"THAW_PROXY", proxy}}, "THAW_PROXY") == "proxy.local:3128");
  CHECK(shown({{"THAW_PROXY", "direct"}}, "THAW_PROXY") == "direct");
  CHECK(shown({{"THAW_CA_FILE", "/opt/a@b.pem"}}, "THAW_CA_FILE") == "/opt/a@b.pem");
}

TEST_CASE("who the function is, is what its environment says") {
  const auto function = settings_of({{"AWS_LAMBDA_FUNCTION_NAME", "checkout"},
                                     {"AWS_LAMBDA_FUNCTION_VERSION", "7"},
                                     {"AWS_REGION", "eu-west-1"},
                                     {"AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"},
                                     {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"},
                                     {"SENTRY_RELEASE", "app@1"},
                                     {"SENTRY_ENVIRONMENT", "prod"}})
                            .function;
  CHECK(function.name == "checkout");
  CHECK(function.version == "7");
  CHECK(function.region == "eu-west-1");
  CHECK(function.initialization_type == "snap-start");
  CHECK(function.memory_mb == 512);
  CHECK(function.release == "app@1");
  CHECK(function.environment == "prod");
  CHECK_FALSE(settings_of({}).function.memory_mb);
}

TEST_CASE("a setting that bounds two things bounds both") {
  const auto body = settings_of({{"THAW_MAX_BODY_MIB", "3"}});
  CHECK(body.relay.intake.max_decoded_bytes == 6 * kMiB);
  const auto budget = settings_of({{"THAW_BUDGET_MS", "700"}});
  CHECK(budget.relay.delivery.budget == relay::milliseconds{700});
}

TEST_CASE("the memory for bodies bounds them where they come, wait and leave") {
  const auto settings = settings_of({{"THAW_MEMORY_MIB", "3"}});
  CHECK(settings.relay.backlog.max_bytes == 3 * kMiB);
  CHECK(settings.relay.listener.max_receiving_bytes == 3 * kMiB);
  CHECK(settings.relay.delivery.max_bytes == 3 * kMiB);
}

TEST_CASE("each number is taken from its least to its greatest, else complained about") {
  std::size_t numbers_in_table = 0;
  for (const auto& row : setting_rows()) numbers_in_table += row.number != nullptr ? 1 : 0;
  CHECK(numbers_in_table == std::size(kNumbers));

  for (const auto& number : kNumbers) {
    CAPTURE(number.name);
    for (const auto good : {number.min, number.min + 1, number.max - 1, number.max}) {
      CHECK(number.value(settings_of({{number.name, std::to_string(good)}})) == good);
    }
    for (const auto bad : {number.min - 1, number.max + 1}) {
      const auto reading = read_settings({{number.name, std::to_string(bad)}});
      CHECK(number.value(reading.settings) == number.fallback);
      REQUIRE(reading.complaints.size() == 1);
      CHECK(reading.complaints[0].variable == number.name);
    }
  }
}

TEST_CASE("the table's defaults are the ones in force") {
  for (const auto& row : setting_rows()) {
    const std::string name(row.info.name);
    if (row.info.fallback.empty() || name == "THAW_MEMORY_MIB") continue;
    CAPTURE(name);
    const auto reading = read_settings({{name, std::string(row.info.fallback)}});
    CHECK(reading.complaints.empty());
    for (const auto& number : kNumbers) CHECK(number.value(reading.settings) == number.fallback);
    CHECK(reading.settings.pace.pace == Pace::adaptive);
    CHECK(reading.settings.log.level == relay::LogLevel::warn);
    CHECK(reading.settings.relay.delivery.compression == relay::Compression::zstd);
    CHECK(reading.settings.telemetry);
    CHECK(reading.settings.spool_dir == "/tmp/thaw");
  }
}

TEST_CASE("what is no number is complained about with what was given and what is used") {
  for (const auto* bad : {"abc", "10x", "1.5", "+5", "0x10", "99999999999999999999", "1 0"}) {
    CAPTURE(bad);
    const auto reading = read_settings({{"THAW_BUDGET_MS", bad}});
    REQUIRE(reading.complaints.size() == 1);
    CHECK(to_string(reading.complaints[0]) ==
          "THAW_BUDGET_MS: \"" + std::string(bad) +
              "\" is not a whole number from 0 to 900000; using 1000");
    CHECK(reading.settings.pace.budget.count() == 1000);
  }
}

TEST_CASE("a complaint repeats no control characters and no novel") {
  const auto reading = read_settings({{"THAW_PORT", "\x1b[31m" + std::string(5000, 'x')}});
  REQUIRE(reading.complaints.size() == 1);
  CHECK(reading.complaints[0].problem.size() < 120);
  CHECK(reading.complaints[0].problem.find('\x1b') == std::string::npos);
}

TEST_CASE("empty and blank values count as unset, blanks around a value do not count") {
  CHECK(settings_of({{"THAW_PORT", ""}}).relay.listener.port == 9797);
  CHECK(settings_of({{"THAW_PORT", "  "}}).relay.listener.port == 9797);
  CHECK(settings_of({{"THAW_PORT", " 9000\n"}}).relay.listener.port == 9000);
}

TEST_CASE("words are words") {
  CHECK(settings_of({{"THAW_PACE", "prompt"}}).pace.pace == Pace::prompt);
  CHECK(settings_of({{"THAW_PACE", "overlap"}}).pace.pace == Pace::overlap);
  CHECK(settings_of({{"THAW_PACE", "continuous"}}).pace.pace == Pace::continuous);
  CHECK_FALSE(settings_of({{"THAW_TELEMETRY", "off"}}).telemetry);
  CHECK(settings_of({{"THAW_LOG", "debug"}}).log.level == relay::LogLevel::debug);
  CHECK(settings_of({{"THAW_COMPRESSION", "none"}}).relay.delivery.compression ==
        relay::Compression::none);
  const auto reading = read_settings({{"THAW_PACE", "fast"}});
  REQUIRE(reading.complaints.size() == 1);
  CHECK(to_string(reading.complaints[0]) ==
        "THAW_PACE: \"fast\" is not one of prompt, overlap, adaptive, continuous; using adaptive");
}

TEST_CASE("the function's memory sets what is kept and how large a body may be") {
  struct Row {
    const char* mb;
    std::size_t kept, wire, decoded;
  };

  const Row rows[] = {
      {"99", 2 * kMiB, 3 * kMiB, 3 * kMiB},           {"128", 128 * kMiB / 50, 4 * kMiB, 4 * kMiB},
      {"512", 512 * kMiB / 50, 16 * kMiB, 16 * kMiB}, {"1024", 16 * kMiB, 20 * kMiB, 32 * kMiB},
      {"10240", 16 * kMiB, 20 * kMiB, 40 * kMiB},
  };
  for (const auto& row : rows) {
    CAPTURE(row.mb);
    const auto settings = settings_of({{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", row.mb}});
    CHECK(settings.relay.backlog.max_bytes == row.kept);
    CHECK(settings.relay.listener.max_body_bytes == row.wire);
    CHECK(settings.relay.intake.max_decoded_bytes == row.decoded);
  }
}

TEST_CASE("a body limit above an eighth of the memory is cut, and said") {
  const auto reading =
      read_settings({{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"}, {"THAW_MAX_BODY_MIB", "33"}});
  CHECK(reading.settings.relay.listener.max_body_bytes == 32 * kMiB);
  REQUIRE(reading.complaints.size() == 1);
  CHECK(to_string(reading.complaints[0]) ==
        "THAW_MAX_BODY_MIB: is more than 1/8 of the function's 256 MB; using 32");
}

TEST_CASE("a body limit up to an eighth of the memory is taken, and nothing is said") {
  for (const std::size_t mib : {10U, 16U}) {
    const auto settings = settings_of(
        {{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"}, {"THAW_MAX_BODY_MIB", std::to_string(mib)}});
    CHECK(settings.relay.listener.max_body_bytes == mib * kMiB);
  }
}

TEST_CASE("a body limit that cannot be read is one that is not set") {
  for (const std::string wrong : {"many", "0", "1025"}) {
    CAPTURE(wrong);
    const auto reading =
        read_settings({{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"}, {"THAW_MAX_BODY_MIB", wrong}});
    CHECK(reading.settings.relay.listener.max_body_bytes == 4 * kMiB);
    CHECK(reading.complaints.size() == 1);
  }
}

TEST_CASE("DSNs of both variables are upstreams, each once") {
  const auto settings =
      settings_of({{"THAW_UPSTREAM_DSN", dsn("a.example/1") + " , " + dsn("b.example/2")},
                   {"SENTRY_DSN", dsn("a.example/1")}});
  REQUIRE(settings.relay.route.configured.size() == 2);
  CHECK(settings.relay.route.configured[0].host == "a.example");
  CHECK(settings.relay.route.configured[1].host == "b.example");
}

TEST_CASE("SENTRY_DSN is one DSN: a list is not taken for one with an odd path") {
  const auto reading =
      read_settings({{"SENTRY_DSN", dsn("a.example/1") + "," + dsn("b.example/2")}});
  CHECK(reading.settings.relay.route.configured.empty());
  REQUIRE(reading.complaints.size() == 1);
  CHECK(to_string(reading.complaints[0]).find("THAW_UPSTREAM_DSN") != std::string::npos);
}

TEST_CASE("a DSN that names Thaw's own port is not an upstream") {
  const std::string key(kKey);
  for (const std::string host : {"127.0.0.1", "localhost", "127.9.9.9", "127.1", "[::1]",
                                 "[::ffff:127.0.0.1]", "LOCALHOST.", "thaw.localhost"}) {
    CAPTURE(host);
    std::string own = "http://";
    own.append(key).append("@").append(host).append(":9797/42");
    CHECK(settings_of({{"SENTRY_DSN", own}}).relay.route.configured.empty());

    const auto reading = read_settings({{"THAW_UPSTREAM_DSN", own}});
    CHECK(reading.settings.relay.route.configured.empty());
    CHECK(reading.complaints.size() == 1);
  }
  const auto other_port = "http://" + key + "@127.0.0.1:9798/42";
  CHECK(settings_of({{"SENTRY_DSN", other_port}}).relay.route.configured.size() == 1);
  const auto moved = "http://" + key + "@127.0.0.1:9000/42";
  CHECK(settings_of({{"THAW_PORT", "9000"}, {"SENTRY_DSN", moved}}).relay.route.configured.empty());
}

TEST_CASE("a DSN with Thaw's port on another host is an upstream like any other") {
  for (const std::string host : {"sentry.example", "10.0.0.1"}) {
    CAPTURE(host);
    const auto settings = settings_of({{"THAW_UPSTREAM_DSN", dsn(host + ":9797/1")}});
    CHECK(settings.relay.route.configured.size() == 1);
  }
}

TEST_CASE("a complaint about a DSN does not repeat it") {
  const auto reading = read_settings(
      {{"SENTRY_DSN", "https://secretkey@o1/x"}, {"THAW_UPSTREAM_DSN", "https://secretkey@o1/x"}});
  REQUIRE(reading.complaints.size() == 2);
  for (const auto& complaint : reading.complaints) {
    CHECK(to_string(complaint).find("secretkey") == std::string::npos);
  }
}

TEST_CASE("allowed hosts: host, host:port, .suffix, http://host:port") {
  const auto settings =
      settings_of({{"THAW_ALLOWED_HOSTS",
                    "Sentry.Example, a.example:8443,.corp.example,http://relay:3000,"
                    "http://plain, https://b.example,[::1]:9000,http://.lan"}});
  const auto& rules = settings.relay.route.allowed_hosts;

  struct Row {
    const char* host;
    bool suffix, tls;
    int port;
  };

  const Row rows[] = {{"sentry.example", false, true, 443}, {"a.example", false, true, 8443},
                      {"corp.example", true, true, 443},    {"relay", false, false, 3000},
                      {"plain", false, false, 80},          {"b.example", false, true, 443},
                      {"::1", false, true, 9000},           {"lan", true, false, 80}};
  REQUIRE(rules.size() == std::size(rows));
  for (std::size_t i = 0; i < rules.size(); ++i) {
    CAPTURE(i);
    CHECK(rules[i].host == rows[i].host);
    CHECK(rules[i].suffix == rows[i].suffix);
    CHECK(rules[i].tls == rows[i].tls);
    CHECK(rules[i].port == rows[i].port);
  }
}

TEST_CASE("an entry of the allowed hosts that cannot be read leaves the others") {
  const auto reading = read_settings(
      {{"THAW_ALLOWED_HOSTS", "a b,good.example,x:0,x:70000,.,..a,https://key@o1.example/42,*.b"}});
  REQUIRE(reading.settings.relay.route.allowed_hosts.size() == 1);
  CHECK(reading.settings.relay.route.allowed_hosts[0].host == "good.example");
  REQUIRE(reading.complaints.size() == 7);
  CHECK(reading.complaints[5].problem.starts_with("\"o1.example/42\" is none of host, "));
  CHECK(reading.complaints[6].problem.starts_with("\"*.b\" is none of host, "));
}

TEST_CASE("proxies: THAW_PROXY, else what other programs go by, capitals last and never for http") {
  struct Row {
    Environment environment;
    const char* https;  ///< host and variable; "" for none
    const char* http;
  };

  const Environment::value_type plain{"THAW_ALLOWED_HOSTS", "http://relay:3000"};
  const Row rows[] = {
      {{plain}, "", ""},
      {{plain, {"https_proxy", "a"}}, "a https_proxy", ""},
      {{plain, {"HTTPS_PROXY", "b"}}, "b HTTPS_PROXY", ""},
      {{plain, {"https_proxy", "a"}, {"HTTPS_PROXY", "b"}}, "a https_proxy", ""},
      {{plain, {"https_proxy", " "}, {"HTTPS_PROXY", "b"}}, "b HTTPS_PROXY", ""},
      {{plain, {"http_proxy", "c"}}, "", "c http_proxy"},
      {{plain, {"HTTP_PROXY", "d"}}, "", ""},
      {{plain, {"https_proxy", "a"}, {"http_proxy", "c"}}, "a https_proxy", "c http_proxy"},
      {{plain, {"THAW_PROXY", "e"}}, "e THAW_PROXY", "e THAW_PROXY"},
      {{plain, {"THAW_PROXY", "e"}, {"https_proxy", "a"}, {"http_proxy", "c"}},
       "e THAW_PROXY",
       "e THAW_PROXY"},
      {{plain, {"THAW_PROXY", "direct"}, {"https_proxy", "a"}, {"http_proxy", "c"}}, "", ""},
      {{plain, {"ALL_PROXY", "f"}, {"all_proxy", "f"}}, "", ""},
      // Where no upstream is without TLS, its proxy is nobody's concern: nor what is wrong with it.
      {{{"http_proxy", "socks5://c"}}, "", ""},
  };
  const auto text = [](const std::optional<proto::Proxy>& proxy) {
    return proxy ? proxy->host + " " + proxy->variable : "";
  };
  for (const auto& row : rows) {
    CAPTURE(&row - rows);
    const auto settings = settings_of(row.environment);
    CHECK(text(settings.upstream.proxies.https) == row.https);
    CHECK(text(settings.upstream.proxies.http) == row.http);
  }
  CHECK(settings_of({{"SENTRY_DSN", "http://" + std::string(kKey) + "@a/1"}, {"http_proxy", "c"}})
            .upstream.proxies.http.has_value());
}

TEST_CASE("a proxy that cannot be used is complained about without its password, and not used") {
  for (const std::string name : {"THAW_PROXY", "https_proxy", "HTTPS_PROXY"}) {
    for (const char* value : {"https://user:secret@proxy:3128", "socks5://user:secret@proxy",
                              "http://user:secret@", "http://user:secret@proxy:x"}) {
      CAPTURE(value);
      const auto reading = read_settings({{name, value}});
      REQUIRE(reading.complaints.size() == 1);
      CHECK(reading.complaints[0].variable == name);
      CHECK(to_string(reading.complaints[0]).find("secret") == std::string::npos);
      CHECK_FALSE(reading.settings.upstream.proxies.https.has_value());
      CHECK_FALSE(reading.settings.upstream.proxies.http.has_value());
    }
  }
  const auto reading = read_settings({{"THAW_PROXY", "https://p"}, {"https_proxy", "http://q"}});
  CHECK(to_string(reading.complaints.at(0)) ==
        "THAW_PROXY: only http:// proxies are supported; going on as if it were not set");
  CHECK(reading.settings.upstream.proxies.https->host == "q");
  const auto lower = read_settings({{"https_proxy", "socks5://a"}, {"HTTPS_PROXY", "b"}});
  CHECK(lower.complaints.size() == 1);
  CHECK(lower.settings.upstream.proxies.https->host == "b");
}

TEST_CASE("no_proxy before NO_PROXY, whoever named the proxy") {
  const auto direct = [](const Environment& environment, const char* host) {
    return settings_of(environment).upstream.proxies.choose(true, host, 443) == nullptr;
  };
  CHECK(direct({{"THAW_PROXY", "p"}, {"no_proxy", "a.test"}, {"NO_PROXY", "b.test"}}, "a.test"));
  CHECK_FALSE(
      direct({{"THAW_PROXY", "p"}, {"no_proxy", "a.test"}, {"NO_PROXY", "b.test"}}, "b.test"));
  CHECK(direct({{"https_proxy", "p"}, {"NO_PROXY", "b.test"}}, "b.test"));
}

TEST_CASE("the log is JSON where the function's is, however that is spelt") {
  for (const char* json : {"JSON", "json", "Json", "jSON"}) {
    CAPTURE(json);
    CHECK(settings_of({{"AWS_LAMBDA_LOG_FORMAT", json}}).log.json);
  }
  for (const char* text : {"Text", "", "JSONL", "jso"}) {
    CAPTURE(text);
    CHECK_FALSE(settings_of({{"AWS_LAMBDA_LOG_FORMAT", text}}).log.json);
  }
}

TEST_CASE("the platform's variables and file names are taken as they are") {
  const auto settings = settings_of({{"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"},
                                     {"AWS_LAMBDA_LOG_FORMAT", "JSON"},
                                     {"THAW_CA_FILE", "/opt/ca.pem"},
                                     {"SSL_CERT_FILE", "/etc/ca.pem"},
                                     {"THAW_EXTENSION_NAME", "relay"},
                                     {"THAW_SPOOL_DIR", "/tmp/other"}});
  CHECK(settings.runtime_api == "127.0.0.1:9001");
  CHECK(settings.log.json);
  CHECK(settings.upstream.ca_file == "/opt/ca.pem");
  CHECK(settings.upstream.ssl_cert_file == "/etc/ca.pem");
  CHECK(settings.extension_name == "relay");
  CHECK(settings.spool_dir == "/tmp/other");
  CHECK(read_settings({{"THAW_SPOOL_DIR", "thaw"}}).settings.spool_dir == "/tmp/thaw");
}

TEST_CASE("as many connections are kept for the next request as there may be to one host") {
  CHECK(read_settings({}).settings.upstream.idle == 16);
  CHECK(read_settings({{"THAW_CONNECTIONS", "4"}}).settings.upstream.idle == 16);
  CHECK(read_settings({{"THAW_CONNECTIONS", "64"}}).settings.upstream.idle == 64);
}

TEST_CASE("environ(7) becomes a map; what has no '=' is left out, a value may have more") {
  const char* variables[] = {"A=1", "B=x=y", "C=", "nonsense", nullptr};
  const auto environment = to_environment(variables);
  CHECK(environment == Environment{{"A", "1"}, {"B", "x=y"}, {"C", ""}});
}

TEST_SUITE_END();
