// What a person at a terminal may type. Lambda starts Thaw without arguments, so none of this is on
// the path of a cold start.
#pragma once

#include <string>
#include <string_view>

#include "extension/settings.hpp"

namespace extension {

struct CommandLine {
  enum class Verb {
    none,  ///< nothing was asked for
    serve,
    check,
    stats,
    print,    ///< `text` is the answer: help or the version
    mistake,  ///< `text` says which
  };
  Verb verb = Verb::none;
  std::string text;
  Environment overrides;  ///< options, as the settings they stand for
  /// Those that stand for none, by their names; what was given again, separated by blanks.
  Environment options;
};

[[nodiscard]] CommandLine parse_command_line(int argc, const char* const* argv);

/// What Thaw is, its commands, every setting with its default, examples.
[[nodiscard]] std::string help_text();

}  // namespace extension
