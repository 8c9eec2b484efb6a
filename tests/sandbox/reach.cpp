#include "tests/sandbox/reach.hpp"

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "relay/descriptor.hpp"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

/// What "#!" in its first line names; "" if nothing.
std::string interpreter_of(const std::string& program) {
  std::ifstream file(program, std::ios::binary);
  std::string mark(2, ' '), name;
  if (!file.read(mark.data(), 2) || mark != "#!") return {};
  file >> name;
  return name;
}

void add(std::vector<std::string>& list, const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error).lexically_normal();
  if (path.empty() || error || !fs::exists(absolute, error)) return;
  list.push_back(absolute.string());
  const fs::path real = fs::canonical(absolute, error);
  if (!error && real != absolute) list.push_back(real.string());
}

/// Closed at a folder on the way, or by its own permissions.
std::string closed_at(const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (::access(folder.c_str(), X_OK) != 0) return folder;
  }
  std::error_code error;
  const int needed = fs::is_directory(path, error) ? X_OK : R_OK;
  return ::access(path.c_str(), needed) == 0 ? "" : path;
}

/// Runs in the child.
std::string look_around(const Confinement& confinement, const std::vector<std::string>& paths) {
  if (!enter(confinement)) return "the confinement itself";
  for (const auto& path : paths) {
    const std::string closed = closed_at(path);
    if (!closed.empty()) return closed;
  }
  return {};
}

}  // namespace

std::vector<std::string> paths_of(const Command& command) {
  std::vector<std::string> paths;
  const std::string program = find_program(command.arguments.front());
  add(paths, program);
  add(paths, interpreter_of(program));
  add(paths, command.directory);
  for (std::size_t i = 1; i < command.arguments.size(); ++i) add(paths, command.arguments[i]);
  return paths;
}

std::string first_out_of_reach(const Confinement& confinement,
                               const std::vector<Command>& commands) {
  std::vector<std::string> paths;
  for (const auto& command : commands)
    for (auto& path : paths_of(command)) paths.push_back(std::move(path));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return {};
  const relay::Descriptor reader(ends[0]);
  relay::Descriptor writer(ends[1]);
  const pid_t id = ::fork();
  if (id == 0) {
    const std::string closed = look_around(confinement, paths);
    const auto written = ::write(writer.get(), closed.data(), closed.size());
    ::_exit(written < 0 ? 1 : 0);
  }
  writer = relay::Descriptor();
  std::string closed(4096, '\0');  // PATH_MAX: one write, one read
  const auto size = id < 0 ? 0 : ::read(reader.get(), closed.data(), closed.size());
  closed.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  if (id > 0) ::waitpid(id, nullptr, 0);
  return closed;
}

}  // namespace sandbox
