#include "relay/log.hpp"

#include <algorithm>
#include <climits>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "proto/json.hpp"
#include "proto/timestamp.hpp"

namespace relay {
namespace {

// A line for a person. Even if JSON escapes each byte to six it stays below PIPE_BUF.
constexpr std::size_t kLongestText = 600;

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::error:
      return "ERROR";
    case LogLevel::warn:
      return "WARN";
    case LogLevel::info:
      return "INFO";
    case LogLevel::debug:
      return "DEBUG";
  }
  return "INFO";
}

/// Whether what is no pipe, or an empty one, takes so many bytes without waiting.
bool takes_long(int fd, std::size_t bytes) {
  const int capacity = ::fcntl(fd, F_GETPIPE_SZ);
  if (capacity < 0) return true;
  int unread = 0;
  return ::ioctl(fd, FIONREAD, &unread) == 0 && unread == 0 &&
         bytes <= static_cast<std::size_t>(capacity);
}

}  // namespace

bool FdLogSink::write(std::string_view line) {
  // poll(2) calls a pipe writable when PIPE_BUF bytes fit, so a write of at most that never blocks.
  if (line.size() > PIPE_BUF && !takes_long(fd_, line.size())) return false;
  pollfd ready{fd_, POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
  return ::write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

Log::Log(Settings settings, LogSink& sink, const Clock& clock)
    : settings_(settings), sink_(sink), clock_(clock) {}

void Log::line(LogLevel level, std::string_view text) {
  if (level <= settings_.level) static_cast<void>(say(level, text));
}

void Log::once(std::string_view key, LogLevel level, std::string_view text) {
  if (level > settings_.level || said_.contains(key)) return;
  // What found no place is not said yet.
  if (say(level, text)) said_.emplace(key);
}

void Log::raw(std::string_view text) {
  static_cast<void>(
      write(settings_.json ? "{" + json_members(LogLevel::info, text) + "}" : std::string(text)));
}

void Log::summary(std::string_view object) {
  if (!settings_.json) return raw(object);
  std::string line = "{" + json_members(LogLevel::info, "thaw: summary") + ",";
  static_cast<void>(write(line.append(object.substr(1))));
}

bool Log::verbatim(std::string_view line) { return write(std::string(line)); }

bool Log::say(LogLevel level, std::string_view text) {
  if (lines_this_invoke_ >= settings_.lines_per_invoke) {
    ++dropped_;
    return false;
  }
  ++lines_this_invoke_;
  std::string message = "thaw: ";
  if (!settings_.json) message.append(name(level)).append(" ");
  message += text.substr(0, kLongestText);
  if (!settings_.json) {
    std::ranges::replace_if(message, [](unsigned char c) { return c < 0x20; }, ' ');
    return write(std::move(message));
  }
  return write("{" + json_members(level, message) + "}");
}

std::string Log::json_members(LogLevel level, std::string_view message) const {
  return "\"timestamp\":\"" + proto::to_rfc3339(clock_.wall_now()) + "\",\"level\":\"" +
         std::string(name(level)) + "\",\"message\":" + proto::json_quote(message);
}

bool Log::write(std::string text) {
  text += '\n';
  if (sink_.write(text)) return true;
  ++dropped_;
  return false;
}

}  // namespace relay
