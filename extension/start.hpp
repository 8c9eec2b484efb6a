// What this process is to be: Lambda's extension, a relay by hand, or an answer on the terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "extension/commands/capture.hpp"
#include "extension/commands/stats.hpp"
#include "extension/settings.hpp"

namespace extension {

struct Start {
  enum class How { extension, by_hand, check, stats, print };
  How how = How::extension;
  SettingsReading reading;
  std::string name;                         ///< to register under
  std::string file_name;                    ///< or so, where no file has that name
  std::optional<CaptureOptions> capture{};  ///< by hand: nothing is sent
  StatsOptions stats{};                     ///< what is to be shown
  std::string text;                         ///< to print,
  int exit_code = 0;                        ///< and to leave with
};

/// Without arguments and with AWS_LAMBDA_RUNTIME_API: the extension. Without arguments and without
/// it: by hand if the program's folder is called extensions, where ending would fail every invoke,
/// else the help. `beside_sentry`: as for read_settings().
[[nodiscard]] Start read_start(int argc, const char* const* argv, Environment environment,
                               bool beside_sentry = false);

}  // namespace extension
