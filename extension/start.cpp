#include "extension/start.hpp"

#include <chrono>
#include <cstdint>
#include <utility>

#include "extension/commands/command_line.hpp"
#include "proto/number.hpp"

namespace extension {
namespace {

// AWS docs, "Using the Lambda Extensions API to create extensions": the full file name of the
// extension.
std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

bool lies_in_extensions(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash != std::string_view::npos && file_name(path.substr(0, slash)) == "extensions";
}

Start begin(Start::How how, const Environment& environment, std::string_view path,
            bool beside_sentry = false) {
  Start start;
  start.how = how;
  start.reading = read_settings(environment, beside_sentry);
  start.name = start.reading.settings.extension_name;
  if (start.name.empty()) start.name = file_name(path);
  return start;
}

Start print(std::string text, int exit_code) {
  Start start;
  start.how = Start::How::print;
  start.text = std::move(text);
  start.exit_code = exit_code;
  return start;
}

Start begin_stats(const CommandLine& line, const Environment& environment, std::string_view path) {
  using From = StatsOptions::From;
  const auto& options = line.options;
  const auto url = options.find("url");
  const auto watch = options.find("watch");
  const bool running = url != options.end() || watch != options.end() || !line.overrides.empty();
  if (running && options.contains("-")) {
    return print("thaw: - does not go with --url, --port or --watch\nTry: thaw --help\n", 2);
  }
  auto start = begin(Start::How::stats, environment, path);
  StatsOptions& wanted = start.stats;
  wanted.from = options.contains("-") ? From::lines : running ? From::running : From::whichever;
  wanted.url =
      url != options.end()
          ? url->second
          : "http://127.0.0.1:" + std::to_string(start.reading.settings.relay.listener.port);
  wanted.json = options.contains("json");
  if (watch != options.end()) {
    constexpr std::uint32_t kUsual = 2;
    wanted.watch =
        std::chrono::seconds{proto::parse_number<std::uint32_t>(watch->second).value_or(kUsual)};
  }
  return start;
}

}  // namespace

Start read_start(int argc, const char* const* argv, Environment environment, bool beside_sentry) {
  const std::string_view path = argc > 0 ? argv[0] : "thaw";
  const auto api = environment.find("AWS_LAMBDA_RUNTIME_API");
  const bool by_lambda = api != environment.end() && !api->second.empty();
  if (argc < 2 && by_lambda) {
    return begin(Start::How::extension, environment, path, beside_sentry);
  }
  if (argc < 2 && lies_in_extensions(path)) return begin(Start::How::by_hand, environment, path);

  auto line = parse_command_line(argc, argv);
  switch (line.verb) {
    case CommandLine::Verb::none:
      return print(help_text(), 2);
    case CommandLine::Verb::print:
      return print(std::move(line.text), 0);
    case CommandLine::Verb::mistake:
      return print(std::move(line.text), 2);
    case CommandLine::Verb::serve:
    case CommandLine::Verb::check:
    case CommandLine::Verb::stats:
      break;
  }
  for (auto& [name, value] : line.overrides) environment[name] = std::move(value);
  if (line.verb == CommandLine::Verb::stats) return begin_stats(line, environment, path);
  const bool serve = line.verb == CommandLine::Verb::serve;
  return begin(serve ? Start::How::by_hand : Start::How::check, environment, path);
}

}  // namespace extension
