#include "tests/sandbox/isolation.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <utility>

#include <unistd.h>

#include "tests/sandbox/reach.hpp"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

bool is_below(const std::string& path, const std::string& folder) {
  return path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/';
}

/// A clone, a virtual environment: what a program needs lies beside it.
std::string top_of_tmp(const std::string& path) {
  return path.substr(0, path.find('/', std::string_view("/tmp/").size()));
}

/// What of our /tmp the children need in theirs: the function's files with all that lies beside
/// them, an extension's file alone. Nothing twice, nothing of `home` but its files.
std::vector<std::string> needed_of_tmp(const std::vector<std::string>& shown,
                                       const std::vector<Command>& commands,
                                       const std::string& home) {
  std::vector<std::string> wanted{home + "/ca.pem"};
  for (const auto& path : shown) wanted.push_back(fs::absolute(path).lexically_normal());
  for (const auto& command : commands)
    for (const auto& path : paths_of(command))
      wanted.push_back(command.is_function && is_below(path, "/tmp") ? top_of_tmp(path) : path);
  std::ranges::sort(wanted);
  std::vector<std::string> needed;
  std::error_code error;
  for (auto& path : wanted) {
    const bool ours = path == home || (is_below(path, home) && !fs::is_regular_file(path, error));
    if (ours || !is_below(path, "/tmp") || !fs::exists(path, error)) continue;
    const auto covers = [&](const auto& one) { return path == one || is_below(path, one); };
    if (std::ranges::none_of(needed, covers)) needed.push_back(std::move(path));
  }
  return needed;
}

std::string_view name(IsolationMode mode) {
  switch (mode) {
    case IsolationMode::off:
      return "off";
    case IsolationMode::attempt:
      return "auto";
    case IsolationMode::require:
      return "require";
  }
  return "";
}

std::string to_text(const Identity& identity) {
  return std::to_string(identity.user) + ":" + std::to_string(identity.group);
}

}  // namespace

Isolation::Isolation(const IsolationOptions& options, std::string home, std::string tmp,
                     const std::vector<Command>& commands, Recorder& recorder)
    : options_(options), home_(std::move(home)), recorder_(recorder) {
  recorder.isolation.mode = name(options.mode);
  shape_.tmp_mib = options.tmp_mib;
  shape_.tmp_read_only = options.tmp_read_only;
  shape_.tmp = std::move(tmp);
  if (options.user) shape_.owner = *options.user;
  if (options.mode != IsolationMode::off) shut_in(commands);
  become_other(commands);
  if (options.cores > 0) limit_cpu();
  if (options.memory_mib > 0) limit_memory();
  announce();
}

bool Isolation::enough() const {
  return options_.mode != IsolationMode::require || recorder_.isolation.not_done.empty();
}

void Isolation::shut_in(const std::vector<Command>& commands) {
  auto& record = recorder_.isolation;
  shape_.shown = needed_of_tmp(options_.shown, commands, home_);
  std::string why = "needs root";
  if (::geteuid() == 0) {
    mounts_ = MountNamespace(shape_);
    why = mounts_.failure();
  }
  if (!mounts_.ok()) {
    record.not_done.insert(record.not_done.end(), {{"root", why}, {"tmp", why}});
    return;
  }
  confinement_.mounts = mounts_.descriptor();
  record.done.emplace_back("root", "read-only");
  record.done.emplace_back("tmp", "tmpfs of " + std::to_string(shape_.tmp_mib) + " MiB" +
                                      (shape_.tmp_read_only ? ", read-only" : ""));
}

void Isolation::become_other(const std::vector<Command>& commands) {
  auto& record = recorder_.isolation;
  if (!options_.user) {
    if (options_.mode != IsolationMode::off) record.not_done.emplace_back("user", "needs root");
    return;
  }
  Confinement as_other = confinement_;
  as_other.user = options_.user;
  const std::string who = to_text(*options_.user);
  const std::string closed = first_out_of_reach(as_other, commands);
  if (!closed.empty() && options_.mode != IsolationMode::off) {
    record.not_done.emplace_back("user", "not open to " + who + ": " + closed);
    return;
  }
  confinement_.user = options_.user;
  record.done.emplace_back("user", who);
}

void Isolation::limit_cpu() {
  auto& record = recorder_.isolation;
  cpu_ = std::make_unique<CpuQuota>(options_.cores);
  if (!cpu_->group().ok()) {
    record.not_done.emplace_back("cpu", cpu_->group().failure());
    return;
  }
  confinement_.cpu = cpu_->group().door();
  char cores[32];
  std::snprintf(cores, sizeof cores, "%g, ", options_.cores);
  record.done.emplace_back("cpu", cores + cpu_->group().kind());
}

void Isolation::limit_memory() {
  auto& record = recorder_.isolation;
  auto limit = std::make_unique<MemoryLimit>(options_.memory_mib);
  if (!limit->group().ok()) {
    record.not_done.emplace_back("memory", limit->group().failure());
    return;
  }
  memory_ = std::move(limit);
  confinement_.memory = memory_->group().door();
  record.done.emplace_back(
      "memory", std::to_string(options_.memory_mib) + " MiB, " + memory_->group().kind());
}

void Isolation::announce() const {
  std::string text;
  for (const auto& [step, why] : recorder_.isolation.not_done)
    text.append(text.empty() ? "" : "; ").append(step).append(": ").append(why);
  if (text.empty()) return;
  if (enough()) {
    std::cerr << "thaw-sandbox: not isolated: " << text << '\n';
  } else {
    recorder_.problem("isolation is required: " + text);
  }
}

bool Isolation::renew_tmp() {
  if (!mounts_.ok()) return false;
  MountNamespace fresh(shape_);
  if (!fresh.ok()) {
    recorder_.problem("no fresh /tmp: " + fresh.failure());
    return true;
  }
  mounts_ = std::move(fresh);
  confinement_.mounts = mounts_.descriptor();
  return true;
}

}  // namespace sandbox
