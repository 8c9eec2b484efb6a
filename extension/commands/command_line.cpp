#include "extension/commands/command_line.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <getopt.h>

#include "extension/commands/capture.hpp"
#include "extension/commands/linked.hpp"
#include "proto/dsn.hpp"
#include "proto/number.hpp"
#include "relay/origin.hpp"

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
    "  SENTRY_DSN=https://KEY@o1.ingest.us.sentry.io/42 thaw check\n"
    "  thaw serve --capture\n"
    "  thaw stats --watch\n"
    "  aws logs tail /aws/lambda/NAME --since 1d | thaw stats\n"
    "  curl http://127.0.0.1:9797/stats\n";

std::string check_port(std::string_view text) {
  if (proto::parse_number<std::uint16_t>(text)) return "";
  return "is not a whole number from 0 to 65535";
}

std::string check_dsn(std::string_view text) {
  const auto dsn = proto::parse_dsn(text);
  return dsn ? "" : "is not a DSN: " + dsn.error().message();
}

std::string check_url(std::string_view text) {
  return text.starts_with("http://") ? "" : "is not a URL like http://127.0.0.1:9797";
}

// A day between two looks is no watching.
std::string check_seconds(std::string_view text) {
  const auto seconds = proto::parse_number<std::uint32_t>(text);
  return text.empty() || (seconds && *seconds > 0 && *seconds <= 86'400)
             ? ""
             : "is not a whole number from 1 to 86400";
}

std::string check_origin(std::string_view text) {
  return relay::normalize_origin(text) ? "" : "is not an origin like https://app.example.com";
}

std::string check_nothing(std::string_view) { return ""; }

// An option is a setting typed, where it names one.
struct Option {
  const char* name;
  std::string_view
      operand;  ///< "": there is none; "[=…]": may be left out; "…...": may be given again
  std::string_view variable;
  std::string_view meaning;
  std::string (*check)(std::string_view);  ///< "", or what is wrong with the value
};

constexpr std::array kSettingOptions = {
    Option{"port", "PORT", "THAW_PORT", "the port to listen on; 0: any free one", check_port},
    Option{"upstream", "DSN", "THAW_UPSTREAM_DSN", "where envelopes go", check_dsn},
};

constexpr std::array kServeOptions = {
    kSettingOptions[0],
    kSettingOptions[1],
    Option{"capture", "", "", "send nothing: show here, and at /captured, what SDKs send",
           check_nothing},
    Option{"only", "TYPES", "", "with --capture: show these alone, as in error,transaction",
           check_only},
    Option{"json", "", "", "with --capture: items whole, one JSON object a line", check_nothing},
    Option{"allow-origin", "ORIGIN...", "", "a web page that may send; may be given again",
           check_origin},
};

constexpr std::array kStatsOptions = {
    Option{"port", "PORT", "THAW_PORT", "where Thaw listens on this machine", check_port},
    Option{"url", "URL", "", "where else; a name is not looked up", check_url},
    Option{"watch", "[=SECONDS]", "", "again every 2 seconds, or as often as said, until Ctrl-C",
           check_seconds},
    Option{"json", "", "", "for programs", check_nothing},
};

constexpr std::size_t kMostOptions = std::max(kServeOptions.size(), kStatsOptions.size());

struct Command {
  std::string_view name;
  CommandLine::Verb verb;
  std::string_view meaning;
  std::span<const Option> options;
  std::string_view operand = {};  ///< a word that it takes
};

constexpr std::array kCommands = {
    Command{"serve", CommandLine::Verb::serve,
            "Serve the port without Lambda, until Ctrl-C or SIGTERM", kServeOptions},
    Command{"check", CommandLine::Verb::check,
            "Say what the settings mean and whether Sentry can be reached; 0: all is well, 1: not",
            kSettingOptions},
    Command{"stats", CommandLine::Verb::stats,
            "A running Thaw's figures, or the totals of a log piped in; 0: nothing lost, 1: "
            "something, 2: no figures",
            kStatsOptions, "-"},
};

// "  --port PORT             the port to listen on"
std::string row(std::string_view left, std::string_view right) {
  constexpr std::size_t kColumn = 24;
  std::string out = "  " + std::string(left);
  out.resize(std::max(out.size() + 2, kColumn), ' ');
  return out.append(right) + "\n";
}

std::string options_text(std::span<const Option> options) {
  std::string out;
  for (const auto& option : options) {
    std::string left = "--" + std::string(option.name);
    if (!option.operand.empty() && !option.operand.starts_with('[')) left += " ";
    std::string right(option.meaning);
    if (!option.variable.empty()) right += " (" + std::string(option.variable) + ")";
    out += row(left.append(option.operand), right);
  }
  return out + row("-h, --help", "print this and exit");
}

// "  THAW_PORT = 9797" and below it what it means, so that long names and long texts both have
// room.
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

std::string help_of(const Command& command) {
  return std::string(command.meaning) + "\n\nUsage: thaw " + std::string(command.name) +
         " [OPTIONS]" + (command.operand.empty() ? "" : " [" + std::string(command.operand) + "]") +
         "\n\nOptions:\n" + options_text(command.options);
}

CommandLine print(std::string text) { return {CommandLine::Verb::print, std::move(text), {}, {}}; }

CommandLine mistake(const std::string& what, const std::string& helper = "thaw") {
  const std::string text = "thaw: " + what + "\nTry: " + helper + " --help\n";
  return {CommandLine::Verb::mistake, text, {}, {}};
}

CommandLine mistake(const Command& command, const std::string& what) {
  return mistake(what, "thaw " + std::string(command.name));
}

/// A word where none belongs, as the 5 of `--watch 5`.
std::string too_much(const Command& command, const std::string& word) {
  if (word.starts_with("--")) return word + " comes too late: options go before any word";
  std::string what = std::string(command.name) + " takes no word like " + word;
  for (const auto& option : command.options) {
    if (!option.operand.starts_with('[')) continue;
    what.append("; a value of --").append(option.name).append(" goes right behind it: --");
    what.append(option.name).append(option.operand.substr(1, option.operand.size() - 2));
  }
  return what;
}

// getopt_long(3) over one part of the line: argv[0] is the program's or the command's name, and the
// first word that is no option ends it. Its state is libc's; `optind` 0 starts it anew.
class Words {
 public:
  Words(std::span<const char* const> argv, const option* known) : argv_(argv), known_(known) {
    ::optind = 0;
    ::opterr = 0;
  }

  /// The next option's `val`; -1: no more; '?': unknown; ':': its value is missing.
  int next() {
    // It reorders nothing where the short options begin with '+'.
    auto* words = const_cast<char* const*>(argv_.data());
    return ::getopt_long(static_cast<int>(argv_.size()), words, "+:h", known_, nullptr);
  }

  [[nodiscard]] std::string current() const {
    return argv_[static_cast<std::size_t>(::optind) - 1];
  }

  [[nodiscard]] std::span<const char* const> rest() const {
    return argv_.subspan(static_cast<std::size_t>(::optind));
  }

 private:
  std::span<const char* const> argv_;
  const option* known_;
};

constexpr int kFirstOption = 256;  // beyond every character

int argument_of(const Option& option) {
  if (option.operand.empty()) return no_argument;
  return option.operand.starts_with('[') ? optional_argument : required_argument;
}

void take(const Option& option, const std::string& value, CommandLine& line) {
  if (!option.variable.empty()) {
    line.overrides[std::string(option.variable)] = value;
    return;
  }
  std::string& taken = line.options[option.name];
  if (!option.operand.ends_with("...")) taken.clear();
  taken.append(taken.empty() ? "" : " ").append(value);
}

CommandLine parse_command(const Command& command, std::span<const char* const> argv) {
  std::array<option, kMostOptions + 2> known{};
  const auto options = command.options;
  for (std::size_t i = 0; i < options.size(); ++i) {
    known.at(i) = {options[i].name, argument_of(options[i]), nullptr,
                   kFirstOption + static_cast<int>(i)};
  }
  known.at(options.size()) = {"help", no_argument, nullptr, 'h'};
  CommandLine line{command.verb, {}, {}, {}};
  Words words(argv, known.data());
  for (int got = words.next(); got != -1; got = words.next()) {
    if (got == 'h') return print(help_of(command));
    if (got == ':') return mistake(command, words.current() + " wants a value");
    if (got < kFirstOption)
      return mistake(command, words.current() + " is no option of " + argv[0]);
    const auto& option = options[static_cast<std::size_t>(got - kFirstOption)];
    const std::string value = ::optarg == nullptr ? "" : ::optarg;
    if (const auto trouble = option.check(value); !trouble.empty()) {
      return mistake(command, std::string("--").append(option.name).append(" ") + trouble);
    }
    take(option, value, line);
  }
  auto rest = words.rest();
  if (!rest.empty() && !command.operand.empty() && rest[0] == command.operand) {
    line.options[rest[0]] = "";
    rest = rest.subspan(1);
  }
  if (!rest.empty()) return mistake(command, too_much(command, rest[0]));
  return line;
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  if (argc < 2) return {};
  static constexpr std::array<option, 4> kKnown = {
      option{"help", no_argument, nullptr, 'h'}, option{"version", no_argument, nullptr, 'v'},
      option{"verbose", no_argument, nullptr, 'V'}, option{}};
  bool version = false;
  bool verbose = false;
  Words words({argv, static_cast<std::size_t>(argc)}, kKnown.data());
  for (int got = words.next(); got != -1; got = words.next()) {
    if (got == 'h') return print(help_text());
    if (got != 'v' && got != 'V') return mistake(words.current() + " is no option");
    (got == 'v' ? version : verbose) = true;
  }
  if (version) return print(version_text(verbose));
  if (verbose) return mistake("--verbose goes with --version");
  const auto rest = words.rest();
  if (rest.empty()) return {};
  for (const auto& command : kCommands) {
    if (command.name == rest[0]) return parse_command(command, rest);
  }
  return mistake(rest[0] + std::string(" is no command"));
}

std::string help_text() {
  std::string out = std::string(kDescription) + "\nUsage: thaw COMMAND [OPTIONS]\n\nCommands:\n";
  for (const auto& command : kCommands) out += row(command.name, command.meaning);
  out += "\nOptions of serve, the first two also of check:\n" + options_text(kServeOptions);
  out += "\nOptions of stats:\n" + options_text(kStatsOptions) + "\n" +
         row("--version", "print the version and exit; with --verbose also what is linked in");
  return out + "\n" + settings_text() + "\n" + kExamples;
}

}  // namespace extension
