#include "tests/sandbox/recorder.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace sandbox {

double epoch_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

bool Recorder::log_to(const std::string& path) {
  file_.open(path, std::ios::trunc);
  return file_.is_open();
}

void Recorder::keep_body(std::uint64_t request, std::string_view bytes) {
  if (bodies_.empty()) return;
  char name[32];
  std::snprintf(name, sizeof name, "/%06llu.envelope", static_cast<unsigned long long>(request));
  std::ofstream file(bodies_ + name, std::ios::binary | std::ios::trunc);
  file << bytes;
  if (!file.good()) problem("cannot write " + bodies_ + name);
}

void Recorder::event(std::string what) {
  const double now = epoch_ms();
  log(now, "platform", what);
  platform.push_back({now, std::move(what)});
}

void Recorder::problem(std::string what) {
  log(epoch_ms(), "PROBLEM", what);
  problems.push_back(std::move(what));
}

void Recorder::output(std::string_view source, bool is_function, std::string line) {
  log(epoch_ms(), source, line);
  if (is_function && on_function_line) on_function_line(line);
  (is_function ? function_log : extension_log).push_back(std::move(line));
}

void Recorder::log(double at, std::string_view source, std::string_view text) {
  if (!file_.is_open()) return;
  const auto seconds = static_cast<std::time_t>(at / 1000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char stamp[32];
  std::snprintf(stamp, sizeof stamp, "%02d:%02d:%06.3f", utc.tm_hour, utc.tm_min,
                utc.tm_sec + std::fmod(at, 1000) / 1000);
  file_ << stamp << ' ' << source << ": " << text << '\n' << std::flush;
}

}  // namespace sandbox
