#include "extension/start.hpp"

#include <initializer_list>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "extension/commands/command_line.hpp"
#include "extension/commands/serve.hpp"

namespace {

using namespace extension;

Start start(std::initializer_list<const char*> arguments, const Environment& environment = {}) {
  std::vector<const char*> argv(arguments);
  argv.push_back(nullptr);
  return read_start(static_cast<int>(arguments.size()), argv.data(), environment);
}

const Environment kLambda{{"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"}};

}  // namespace

TEST_SUITE_BEGIN("extension/start");

TEST_CASE("Lambda starts the extension under its file's name") {
  const auto by_lambda = start({"/opt/extensions/thaw"}, kLambda);
  CHECK(by_lambda.how == Start::How::extension);
  CHECK(by_lambda.name == "thaw");
  CHECK(by_lambda.reading.settings.runtime_api == "127.0.0.1:9001");
}

TEST_CASE("only as an extension can it stand beside Sentry's") {
  const char* argv[] = {"/opt/extensions/thaw", nullptr};
  auto environment = kLambda;
  environment["THAW_PORT"] = "9000";
  CHECK(read_start(1, argv, environment, true).reading.settings.relay.listener.port == 9797);
  CHECK(read_start(1, argv, environment, false).reading.settings.relay.listener.port == 9000);
  environment.erase("AWS_LAMBDA_RUNTIME_API");
  CHECK(read_start(1, argv, environment, true).reading.settings.relay.listener.port == 9000);
}

TEST_CASE("THAW_EXTENSION_NAME goes before the file's name") {
  auto environment = kLambda;
  environment["THAW_EXTENSION_NAME"] = "other.sh";
  const auto started = start({"/opt/extensions/thaw"}, environment);
  CHECK(started.name == "other.sh");
  CHECK(started.file_name == "thaw");
}

TEST_CASE("without Lambda and without a command the help is printed") {
  const auto by_hand = start({"build/thaw"});
  CHECK(by_hand.how == Start::How::print);
  CHECK(by_hand.exit_code == 2);
  CHECK(by_hand.text.find("thaw serve") != std::string::npos);
}

TEST_CASE("in a folder called extensions it never ends by itself") {
  CHECK(start({"/opt/extensions/thaw"}).how == Start::How::by_hand);
  CHECK(start({"extensions/thaw"}).how == Start::How::by_hand);
  CHECK(start({"/opt/extensions/thaw", "check"}).how == Start::How::check);
}

TEST_CASE("serve takes its options as settings") {
  const auto by_hand = start({"thaw", "serve", "--port", "9000", "--upstream",
                              "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/42"},
                             {{"THAW_PORT", "1234"}});
  CHECK(by_hand.how == Start::How::by_hand);
  CHECK(by_hand.reading.settings.relay.listener.port == 9000);
  REQUIRE(by_hand.reading.settings.relay.route.configured.size() == 1);
  CHECK(by_hand.reading.settings.relay.route.configured[0].project_id == 42);
}

TEST_CASE("stats asks a running Thaw, or reads lines, as it is told") {
  using From = StatsOptions::From;
  const Environment port{{"THAW_PORT", "9000"}};
  const auto plain = start({"thaw", "stats"}, port);
  CHECK(plain.how == Start::How::stats);
  CHECK(plain.stats.from == From::whichever);
  CHECK(plain.stats.url == "http://127.0.0.1:9000");
  CHECK_FALSE(plain.stats.watch);
  CHECK_FALSE(plain.stats.json);
  const auto typed = start({"thaw", "stats", "--port", "9001", "--watch", "--json"}, port).stats;
  CHECK(typed.from == From::running);
  CHECK(typed.url == "http://127.0.0.1:9001");
  CHECK(typed.watch->count() == 2);
  CHECK(typed.json);
  CHECK(start({"thaw", "stats", "--url", "http://[::1]:1/x"}).stats.url == "http://[::1]:1/x");
  CHECK(start({"thaw", "stats", "-"}).stats.from == From::lines);
  for (const auto* seconds : {"--watch=1", "--watch=86400"}) {
    CHECK(start({"thaw", "stats", seconds}).stats.watch);
  }
}

TEST_CASE("check takes the same options, and what the environment says beside them") {
  const auto check = start({"thaw", "check", "--port", "9000"},
                           {{"THAW_PORT", "x"}, {"HTTPS_PROXY", "http://proxy:3128"}});
  CHECK(check.how == Start::How::check);
  CHECK(check.reading.settings.relay.listener.port == 9000);
  CHECK(check.reading.complaints.empty());
  CHECK(check.reading.settings.upstream.proxies.https->host == "proxy");
}

TEST_CASE("what cannot be understood is said and leaves with 2") {
  const std::vector<std::vector<const char*>> mistakes = {
      {"thaw", "servee"},
      {"thaw", "serve", "--port", "70000"},
      {"thaw", "serve", "--port", "-1"},
      {"thaw", "serve", "--port", ""},
      {"thaw", "serve", "--port"},
      {"thaw", "serve", "--help=x"},
      {"thaw", "serve", "-p"},
      {"thaw", "serve", "further"},
      {"thaw", "check", "--json"},
      {"thaw", "stats", "--watch=0"},
      {"thaw", "stats", "--watch=86401"},
      {"thaw", "stats", "--url", "localhost"},
      {"thaw", "stats", "--watch", "-"},
      {"thaw", "stats", "-", "-"},
      {"thaw", "stats", "--upstream", "x"},
      {"thaw", "serve", "--upstream", "nonsense"},
      {"thaw", "--nonsense"}};
  for (auto argv : mistakes) {
    CAPTURE(argv.back());
    const auto refused = read_start(static_cast<int>(argv.size()), argv.data(), {});
    CHECK(refused.how == Start::How::print);
    CHECK(refused.exit_code == 2);
    const bool of_command = argv.size() > 2;
    const std::string help =
        of_command ? std::string("thaw ") + argv[1] + " --help" : "thaw --help";
    CHECK(refused.text.find("Try: " + help + "\n") != std::string::npos);
  }
}

TEST_CASE("a value that stands apart from --watch is told where it belongs") {
  const auto refused = start({"thaw", "stats", "--watch", "5"});
  CHECK(refused.exit_code == 2);
  CHECK(refused.text.find("takes no word like 5; a value of --watch goes right behind it: "
                          "--watch=SECONDS") != std::string::npos);
}

TEST_CASE("what does not go together is refused") {
  const std::string dsn = "https://0123456789abcdef0123456789abcdef@o1.ingest.sentry.io/42";
  CHECK(start({"thaw", "serve", "--capture", "--upstream", dsn.c_str()}).exit_code == 2);
  // Of a variable that stands there for good that would be in the way.
  CHECK(start({"thaw", "serve", "--capture"}, {{"THAW_UPSTREAM_DSN", dsn}}).how ==
        Start::How::by_hand);
  for (const auto* option : {"--url=http://127.0.0.1:1", "--port=1"}) {
    CHECK(start({"thaw", "stats", option, "-"}).exit_code == 2);
  }
  CHECK(start({"thaw", "stats", "-", "--watch"}).text.find("--watch comes too late") !=
        std::string::npos);
}

TEST_CASE("an option's value may follow an equals sign; the last one counts") {
  const auto by_hand = start({"thaw", "serve", "--port=9000", "--port=65535"});
  CHECK(by_hand.reading.settings.relay.listener.port == 65535);
}

TEST_CASE("a command has a help of its own") {
  const auto help = start({"thaw", "serve", "--port", "1", "-h"});
  CHECK(help.exit_code == 0);
  CHECK(help.text.find("Usage: thaw serve [OPTIONS]") != std::string::npos);
  CHECK(help.text.find("--upstream DSN") != std::string::npos);
}

TEST_CASE("the version is printed, even where Lambda's variables are set") {
  const auto version = start({"thaw", "--version"}, kLambda);
  CHECK(version.how == Start::How::print);
  CHECK(version.exit_code == 0);
  CHECK(version.text == "thaw " THAW_VERSION "\n");
}

TEST_CASE("the help names every setting with its default") {
  const auto help = start({"thaw", "--help"});
  CHECK(help.exit_code == 0);
  for (const auto& info : settings_table()) {
    CAPTURE(std::string(info.name));
    const auto line = "  " + std::string(info.name) +
                      (info.fallback.empty() ? "" : " = " + std::string(info.fallback));
    CHECK(help.text.find(line) != std::string::npos);
  }
}

TEST_CASE("serve says what to give an SDK, without the key") {
  const auto dsn = proto::parse_dsn("https://0123456789abcdef0123456789abcdef@o1.example/42");
  CHECK(extension::serve_greeting({*dsn}, 9797) ==
        "thaw: for your SDK: SENTRY_DSN=http://KEY@127.0.0.1:9797/42, with the KEY of the upstream "
        "DSN");
  CHECK(extension::serve_greeting({}, 1).find("http://KEY@127.0.0.1:1/o1.ingest.us.sentry.io/42") !=
        std::string::npos);
}

TEST_CASE("to capture takes every DSN, and leaves nothing on disk or on its way") {
  const auto serve = start({"thaw", "serve", "--capture", "--only", "error,log", "--json"});
  REQUIRE(serve.capture);
  CHECK(serve.capture->json);
  CHECK(serve.capture->only == "error,log");
  for (const auto& setting : serve.reading.in_effect) {
    const bool journal = setting.name == "THAW_JOURNAL";
    CHECK(setting.is_default == !journal);
    if (journal) CHECK(setting.value == "off");
    if (setting.name == "THAW_PORT") CHECK(setting.value == "9797");
  }
  const auto& settings = serve.reading.settings;
  CHECK(settings.relay.route.capture);
  CHECK_FALSE(settings.journal);
  CHECK(settings.relay.delivery.compression == relay::Compression::none);

  const auto plain = start({"thaw", "serve"});
  CHECK_FALSE(plain.capture);
  CHECK_FALSE(plain.reading.settings.relay.route.capture);
  for (const auto* option : {"--json", "--only=error"}) {
    CHECK(start({"thaw", "serve", option}).exit_code == 2);
  }
  CHECK(start({"thaw", "serve", "--capture", "--only", "eror"}).exit_code == 2);
  CHECK(start({"thaw", "check", "--capture"}).exit_code == 2);
}

TEST_CASE("by hand pages of other sites are refused, but those that are named") {
  const auto serve = start({"thaw", "serve", "--allow-origin", "https://App.example.com",
                            "--allow-origin=http://localhost:3000"});
  const auto& origins = serve.reading.settings.relay.origins;
  CHECK(origins.checked);
  CHECK(origins.allowed ==
        std::vector<std::string>{"https://app.example.com", "http://localhost:3000"});
  CHECK(start({"extensions/thaw"}).reading.settings.relay.origins.checked);
  CHECK_FALSE(start({"/opt/extensions/thaw"}, kLambda).reading.settings.relay.origins.checked);
  for (const auto* wrong : {"*", "null", "app.example.com", "https://a.example.com/path"}) {
    CHECK(start({"thaw", "serve", "--allow-origin", wrong}).exit_code == 2);
  }
}

TEST_SUITE_END();
