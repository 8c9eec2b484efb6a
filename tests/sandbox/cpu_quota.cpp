#include "tests/sandbox/cpu_quota.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sandbox {
namespace {

namespace fs = std::filesystem;

/// Short, so that a share is many short pauses and not few long ones.
constexpr long kPeriodUs = 20000;
constexpr int kRemovalTries = 1000;

bool lists_cpu(std::string_view names) {
  const std::string padded = "," + std::string(names) + ",";
  return padded.find(",cpu,") != std::string::npos;
}

/// Where the cpu controller of `version` is mounted; proc(5), /proc/pid/mountinfo.
std::vector<std::string> mount_points(int version) {
  std::vector<std::string> points;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream before(line), after(line.substr(dash + 3));
    std::string skipped, point, type, options;
    before >> skipped >> skipped >> skipped >> skipped >> point;
    after >> type >> skipped >> options;
    if (version == 2 ? type == "cgroup2" : type == "cgroup" && lists_cpu(options))
      points.push_back(point);
  }
  return points;
}

/// Our own group in that hierarchy; cgroups(7), /proc/pid/cgroup.
std::string own_group(int version) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (version == 2 ? controllers.empty() : lists_cpu(controllers)) return line.substr(second + 1);
  }
  return "/";
}

bool write_text(const std::string& path, const std::string& text) {
  const relay::Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file.is_open() && ::write(file.get(), text.data(), text.size()) > 0;
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

CpuQuota::CpuQuota(double cores) {
  for (const int version : {2, 1}) {
    version_ = version;
    for (const auto& point : mount_points(version)) {
      const std::string own = point + own_group(version);
      if (open_in(own, cores) || open_in(point, cores)) return;
    }
  }
}

CpuQuota::~CpuQuota() {
  if (!group_.empty()) remove();
}

bool CpuQuota::open_in(const std::string& parent, double cores) {
  group_ =
      parent + (parent.ends_with('/') ? "" : "/") + "thaw-sandbox-" + std::to_string(::getpid());
  const bool made = ::mkdir(group_.c_str(), 0755) == 0;
  if (made && limit(static_cast<long>(cores * static_cast<double>(kPeriodUs)))) {
    relay::Descriptor door(::open((group_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (door.is_open() && admits(door.get())) {
      door_ = std::move(door);
      return true;
    }
  }
  failure_ = group_ + ": " + std::strerror(errno);
  if (made) remove();
  group_.clear();
  return false;
}

bool CpuQuota::limit(long quota_us) const {
  const std::string period = std::to_string(kPeriodUs), quota = std::to_string(quota_us);
  if (version_ == 2)
    return write_text(group_ + "/cpu.max", (quota_us < 0 ? "max" : quota) + " " + period);
  return write_text(group_ + "/cpu.cfs_period_us", period) &&
         write_text(group_ + "/cpu.cfs_quota_us", quota);
}

void CpuQuota::remove() {
  [[maybe_unused]] const bool lifted = limit(-1);  // dying takes time of the processor too
  constexpr timespec kPause{0, 1000000};
  for (int i = 0; i < kRemovalTries && ::rmdir(group_.c_str()) != 0 && errno == EBUSY; ++i) {
    std::ifstream file(group_ + "/cgroup.procs");
    for (pid_t id = 0; file >> id && id > 0;) ::kill(id, SIGKILL);
    ::nanosleep(&kPause, nullptr);
  }
}

}  // namespace sandbox
