#include "extension/start.hpp"

#include <utility>

#include "extension/commands/command_line.hpp"

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
      break;
  }
  for (auto& [name, value] : line.overrides) environment[name] = std::move(value);
  const bool serve = line.verb == CommandLine::Verb::serve;
  return begin(serve ? Start::How::by_hand : Start::How::check, environment, path);
}

}  // namespace extension
