#include "extension/start.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include "extension/commands/command_line.hpp"
#include "proto/number.hpp"
#include "relay/origin.hpp"

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
  start.file_name = file_name(path);
  if (start.name.empty()) start.name = start.file_name;
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
    return print("thaw: - does not go with --url, --port or --watch\nTry: thaw stats --help\n", 2);
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

// Its port is open to every page of this machine's browsers.
Start by_hand(const Environment& environment, std::string_view path) {
  Start start = begin(Start::How::by_hand, environment, path);
  start.reading.settings.relay.origins.checked = true;
  return start;
}

// "a b" -> its words.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    words.emplace_back(word);
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return words;
}

std::string option_of(const CommandLine& line, const char* name) {
  const auto found = line.options.find(name);
  return found == line.options.end() ? "" : found->second;
}

Start begin_serve(const CommandLine& line, const Environment& environment, std::string_view path) {
  const bool capture = line.options.contains("capture");
  for (const auto* option : {"only", "json"}) {
    if (capture || !line.options.contains(option)) continue;
    return print(
        "thaw: --" + std::string(option) + " goes with --capture\nTry: thaw serve --help\n", 2);
  }
  if (capture && line.overrides.contains("THAW_UPSTREAM_DSN")) {
    return print("thaw: with --capture nothing is sent to an --upstream\nTry: thaw serve --help\n",
                 2);
  }
  Start start = by_hand(environment, path);
  relay::Settings& settings = start.reading.settings.relay;
  for (const auto& origin : words_of(option_of(line, "allow-origin"))) {
    settings.origins.allowed.push_back(relay::normalize_origin(origin).value_or(""));
  }
  if (capture) {
    prepare_for_capture(start.reading.settings);
    for (auto& setting : start.reading.in_effect) {
      if (setting.name == "THAW_JOURNAL") setting = {setting.name, "off", false};
    }
    start.capture = CaptureOptions{line.options.contains("json"), option_of(line, "only")};
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
  if (argc < 2 && lies_in_extensions(path)) return by_hand(environment, path);

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
  if (line.verb == CommandLine::Verb::serve) return begin_serve(line, environment, path);
  return begin(Start::How::check, environment, path);
}

}  // namespace extension
