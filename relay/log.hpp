// One line, one write, never blocked by the reader of the pipe. Quiet by default: counters are the
// log. Lambda captures each line into the function's log group, which the customer pays for (AWS
// docs, "Configuring JSON and plain text log formats"; checked 2026-11).
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "relay/clock.hpp"

namespace relay {

enum class LogLevel { error, warn, info, debug };

/// Where lines go; a test replaces it.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// `line` ends in a newline. False when it could not be taken without waiting.
  [[nodiscard]] virtual bool write(std::string_view line) = 0;
};

/// A descriptor; a line that does not fit the pipe right now is refused. A pipe takes up to
/// PIPE_BUF bytes whole or not at all; a longer line, as the summary may be, only if it is empty.
class FdLogSink final : public LogSink {
 public:
  explicit FdLogSink(int fd) : fd_(fd) {}

  [[nodiscard]] bool write(std::string_view line) override;

 private:
  int fd_;
};

class Log {
 public:
  struct Settings {
    LogLevel level = LogLevel::warn;
    /// AWS_LAMBDA_LOG_FORMAT=JSON: each line is an object with timestamp (RFC 3339), level and
    /// message, by which Lambda filters (AWS docs, "Log-level filtering"; checked 2026-11).
    bool json = false;
    std::uint32_t lines_per_invoke =
        20;  ///< further lines are dropped and counted until the next invoke
  };

  Log(Settings settings, LogSink& sink, const Clock& clock);

  void line(LogLevel level, std::string_view text);
  /// Says `text` once in the life of the process, however often the trouble named `key` comes back.
  void once(std::string_view key, LogLevel level, std::string_view text);
  /// A line that bypasses level and budget, and in plain text has no frame.
  void raw(std::string_view text);
  /// The same of the counts, a JSON object with members of other names: where lines are JSON they
  /// follow timestamp, level and message.
  void summary(std::string_view object);

  /// The same of a line in a format that is not ours to choose: nothing is put around it. False if
  /// it was dropped.
  [[nodiscard]] bool verbatim(std::string_view line);

  void invoke_begins() { lines_this_invoke_ = 0; }

  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  /// False if the line was dropped, and counted as that.
  [[nodiscard]] bool say(LogLevel level, std::string_view text);
  [[nodiscard]] std::string json_members(LogLevel level, std::string_view message) const;
  [[nodiscard]] bool write(std::string text);

  Settings settings_;
  LogSink& sink_;
  const Clock& clock_;
  std::set<std::string, std::less<>> said_;
  std::uint32_t lines_this_invoke_ = 0;
  std::uint64_t dropped_ = 0;
};

}  // namespace relay
