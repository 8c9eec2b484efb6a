// `thaw stats`: the figures of a running Thaw, or of the lines that Thaw has left in a log.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "proto/result.hpp"

namespace extension {

struct StatsOptions {
  /// "http://127.0.0.1:9797", with or without a path; names other than localhost are not looked up.
  std::string url;
  enum class From {
    running,    ///< a Thaw, at `url`
    lines,      ///< of log, on standard input
    whichever,  ///< lines if standard input has any
  };
  From from = From::whichever;
  bool json = false;                          ///< for programs: /stats as it is, or the totals
  std::optional<std::chrono::seconds> watch;  ///< again and again, so far apart, until Ctrl-C
};

/// How `thaw stats` ends.
enum class StatsExit { nothing_lost = 0, lost = 1, nothing_read = 2 };

/// Whether standard input is worth reading: a pipe, a socket or a file, no terminal or /dev/null.
[[nodiscard]] bool has_lines(int fd);

/// GET `url`; "/stats" where it has no path. The body of a 200.
[[nodiscard]] proto::Result<std::string> fetch_stats(const std::string& url);

/// Returns the exit code.
[[nodiscard]] int stats(const StatsOptions& options);

}  // namespace extension
