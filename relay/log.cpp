#include "relay/log.hpp"

#include <poll.h>
#include <unistd.h>

#include <climits>
#include <utility>

#include "proto/json.hpp"
#include "proto/timestamp.hpp"

namespace relay {
namespace {

std::string_view name(LogLevel level) {
  switch (level) {
    case LogLevel::error: return "ERROR";
    case LogLevel::warn: return "WARN";
    case LogLevel::info: return "INFO";
    case LogLevel::debug: return "DEBUG";
  }
  return "INFO";
}

}  // namespace

bool FdLogSink::write(std::string_view line) {
  // poll(2) calls a pipe writable when PIPE_BUF bytes fit, so a write of at most that never blocks.
  if (line.size() > PIPE_BUF) return false;
  pollfd ready{fd_, POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
  return ::write(fd_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

Log::Log(Settings settings, LogSink& sink, const Clock& clock)
    : settings_(settings), sink_(sink), clock_(clock) {}

void Log::line(LogLevel level, std::string_view text) {
  if (level > settings_.level) return;
  if (++lines_this_invoke_ > settings_.lines_per_invoke) {
    ++dropped_;
    return;
  }
  std::string out;
  if (settings_.json) {
    out = "{\"timestamp\":\"" + proto::to_rfc3339(clock_.wall_now()) + "\",\"level\":\"" +
          std::string(name(level)) + "\",\"message\":" + proto::json_quote("thaw: " + std::string(text)) +
          "}";
  } else {
    out = "thaw: " + std::string(name(level)) + " " + std::string(text);
  }
  write(std::move(out));
}

void Log::once(std::string_view key, LogLevel level, std::string_view text) {
  if (level > settings_.level || !said_.emplace(key).second) return;
  line(level, text);
}

void Log::raw(std::string_view text) { write(std::string(text)); }

void Log::write(std::string text) {
  text += '\n';
  if (!sink_.write(text)) ++dropped_;
}

}  // namespace relay
