#include "extension/commands/command_line.hpp"

#include <memory>

#include <CLI/CLI.hpp>

#include "proto/dsn.hpp"

namespace extension {
namespace {

constexpr auto kDescription =
    "Thaw takes Sentry envelopes on localhost and delivers them around Lambda's freeze.\n"
    "Lambda starts it by itself, as an external extension: put the file into /opt/extensions\n"
    "(a layer's extensions/ folder). By hand it serves the same port without Lambda.\n";

constexpr auto kExamples =
    "Examples:\n"
    "  thaw serve --upstream https://KEY@o1.ingest.us.sentry.io/42\n"
    "  SENTRY_DSN=https://KEY@o1.ingest.us.sentry.io/42 thaw serve --port 9000\n"
    "  curl http://127.0.0.1:9797/stats\n";

// "  THAW_PORT=9797" and below it what it means, so that long names and long texts both have room.
std::string settings_text() {
  std::string out = "Settings (environment variables, with their defaults):\n";
  for (const auto& info : settings_table()) {
    out += "  " + std::string(info.name);
    if (!info.fallback.empty()) out += " = " + std::string(info.fallback);
    if (info.fallback.find('%') == std::string_view::npos && !info.unit.empty()) {
      out += " " + std::string(info.unit);
    }
    out += "\n      " + std::string(info.meaning);
    if (!info.words.empty()) out += ": " + std::string(info.words);
    if (info.max > 0) {
      out += " (" + std::to_string(info.min) + " to " + std::to_string(info.max) + ")";
    }
    out += "\n";
  }
  return out;
}

std::string check_dsn(const std::string& text) {
  const auto dsn = proto::parse_dsn(text);
  return dsn ? "" : "not a DSN: " + dsn.error().message();
}

struct Wishes {
  std::string port;
  std::string upstream;
};

std::unique_ptr<CLI::App> make_app(Wishes& wishes) {
  auto app = std::make_unique<CLI::App>(kDescription, "thaw");
  app->set_version_flag("--version", "thaw " THAW_VERSION);
  app->footer([] { return settings_text() + "\n" + kExamples; });
  auto* serve =
      app->add_subcommand("serve", "Serve the port without Lambda, until Ctrl-C or SIGTERM");
  serve->add_option("--port", wishes.port, "the port to listen on; 0: any free one (THAW_PORT)")
      ->check(CLI::Range(0, 65535));
  serve->add_option("--upstream", wishes.upstream, "where envelopes go (THAW_UPSTREAM_DSN)")
      ->check(CLI::Validator(check_dsn, "DSN"));
  return app;
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  Wishes wishes;
  const auto app = make_app(wishes);
  try {
    app->parse(argc, argv);
  } catch (const CLI::CallForVersion& version) {
    return {CommandLine::Verb::print, std::string(version.what()) + "\n", {}};
  } catch (const CLI::CallForHelp&) {
    return {CommandLine::Verb::print, app->help(), {}};
  } catch (const CLI::ParseError& mistake) {
    return {CommandLine::Verb::mistake,
            "thaw: " + std::string(mistake.what()) + "\nTry: thaw --help\n",
            {}};
  }
  if (!app->got_subcommand("serve")) return line;
  line.verb = CommandLine::Verb::serve;
  if (!wishes.port.empty()) line.overrides["THAW_PORT"] = wishes.port;
  if (!wishes.upstream.empty()) line.overrides["THAW_UPSTREAM_DSN"] = wishes.upstream;
  return line;
}

std::string help_text() {
  Wishes wishes;
  return make_app(wishes)->help();
}

}  // namespace extension
