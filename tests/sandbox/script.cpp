#include "tests/sandbox/script.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

namespace sandbox {
namespace {

std::optional<unsigned> whole_number(std::string_view text) {
  unsigned number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<Step> parse_step(std::string_view word) {
  if (word == "kill") return Step{StepKind::kill};
  if (word == "spindown") return Step{StepKind::spindown};
  if (word == "drop-next") return Step{StepKind::drop_next};
  if (word == "init") return Step{StepKind::init};
  if (word == "restore") return Step{StepKind::restore};
  if (word == "invoke") return Step{StepKind::invoke};
  const std::size_t mark = word.find_first_of("*:");
  if (mark == std::string_view::npos) return std::nullopt;
  const std::string_view verb = word.substr(0, mark + 1);
  const auto number = whole_number(word.substr(mark + 1));
  if (!number) return std::nullopt;
  if (verb == "invoke*") return Step{StepKind::invoke, *number};
  if (verb == "burst*") return Step{StepKind::burst, *number};
  if (verb == "freeze:") return Step{StepKind::freeze, 1, std::chrono::milliseconds(*number)};
  if (verb == "thaw:") return Step{StepKind::thaw, 1, std::chrono::milliseconds(*number)};
  if (verb == "rest:") return Step{StepKind::rest, 1, std::chrono::milliseconds(*number)};
  if (verb == "restore:") return Step{StepKind::restore, 1, std::chrono::milliseconds(*number)};
  return std::nullopt;
}

}  // namespace

proto::Result<std::vector<Step>> parse_script(std::string_view text) {
  static constexpr std::string_view kBlank = " \t\r\n";
  std::vector<Step> steps;
  for (;;) {
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    if (text.empty()) return steps;
    const std::size_t end = std::min(text.find_first_of(kBlank), text.size());
    const auto step = parse_step(text.substr(0, end));
    if (!step) return boost::system::errc::make_error_code(boost::system::errc::invalid_argument);
    steps.push_back(*step);
    text.remove_prefix(end);
  }
}

}  // namespace sandbox
