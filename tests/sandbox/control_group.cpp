#include "tests/sandbox/control_group.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sandbox {
namespace {

constexpr int kRemovalTries = 1000;

bool lists(std::string_view names, const std::string& controller) {
  const std::string padded = "," + std::string(names) + ",";
  return padded.find("," + controller + ",") != std::string::npos;
}

/// Where the controller of `version` is mounted; proc(5), /proc/pid/mountinfo.
std::vector<std::string> mount_points(int version, const std::string& controller) {
  std::vector<std::string> points;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line), after(line.substr(dash + 3));
    std::string skipped, point, type, options;
    before >> skipped >> skipped >> skipped >> skipped >> point;
    after >> type >> skipped >> options;
    if (version == 2 ? type == "cgroup2" : type == "cgroup" && lists(options, controller))
      points.push_back(point);
  }
  return points;
}

/// Our own group in that hierarchy; cgroups(7), /proc/pid/cgroup.
std::string own_group(int version, const std::string& controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    if (version == 2 ? names.empty() : lists(names, controller)) return line.substr(second + 1);
  }
  return "/";
}

/// Whether a child of ours may move there.
bool admits(int door) {
  const pid_t id = ::fork();
  if (id == 0) ::_exit(::write(door, "0", 1) == 1 ? 0 : errno);
  int status = 0;
  if (id < 0 || ::waitpid(id, &status, 0) != id) return false;
  errno = WEXITSTATUS(status);
  return errno == 0;
}

}  // namespace

ControlGroup::ControlGroup(const std::string& controller, const SetUp& set_up) {
  for (const int version : {2, 1}) {
    version_ = version;
    for (const auto& point : mount_points(version, controller)) {
      const std::string own = point + own_group(version, controller);
      if (open_in(own, set_up) || open_in(point, set_up)) return;
    }
  }
}

ControlGroup::~ControlGroup() {
  if (!folder_.empty()) remove();
}

bool ControlGroup::open_in(const std::string& parent, const SetUp& set_up) {
  folder_ =
      parent + (parent.ends_with('/') ? "" : "/") + "thaw-sandbox-" + std::to_string(::getpid());
  // One is there already where controllers share a hierarchy: then they share the group.
  const bool made = ::mkdir(folder_.c_str(), 0755) == 0;
  if ((made || errno == EEXIST) && set_up(*this)) {
    relay::Descriptor door(::open((folder_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (door.is_open() && admits(door.get())) {
      door_ = std::move(door);
      return true;
    }
  }
  failure_ = folder_ + ": " + std::strerror(errno);
  if (made) remove();
  folder_.clear();
  return false;
}

bool ControlGroup::write(const std::string& file, const std::string& text) const {
  const std::string path = folder_ + "/" + file;
  const relay::Descriptor target(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return target.is_open() && ::write(target.get(), text.data(), text.size()) > 0;
}

std::string ControlGroup::read(const std::string& file) const {
  std::ifstream source(folder_ + "/" + file);
  return {std::istreambuf_iterator<char>(source), {}};
}

void ControlGroup::remove() const {
  constexpr timespec kPause{0, 1000000};
  for (int i = 0; i < kRemovalTries && ::rmdir(folder_.c_str()) != 0 && errno == EBUSY; ++i) {
    std::ifstream file(folder_ + "/cgroup.procs");
    for (pid_t id = 0; file >> id && id > 0;) ::kill(id, SIGKILL);
    ::nanosleep(&kPause, nullptr);
  }
}

}  // namespace sandbox
