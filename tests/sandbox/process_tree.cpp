#include "tests/sandbox/process_tree.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include <sys/prctl.h>
#include <unistd.h>

namespace sandbox {

namespace fs = std::filesystem;

void adopt_orphans() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

std::vector<pid_t> descendants() {
  std::vector<pid_t> found{::getpid()};
  for (std::size_t i = 0; i < found.size(); ++i) {
    std::error_code gone;
    fs::directory_iterator tasks("/proc/" + std::to_string(found[i]) + "/task", gone);
    for (; !gone && tasks != fs::directory_iterator(); tasks.increment(gone)) {
      std::ifstream children(tasks->path() / "children");
      for (pid_t child = 0; children >> child;) found.push_back(child);
    }
  }
  found.erase(found.begin());
  return found;
}

std::vector<pid_t> stop_descendants() {
  std::vector<pid_t> stopped, found = descendants();
  while (found != stopped) {
    for (const pid_t id : found) ::kill(id, SIGSTOP);
    stopped = std::exchange(found, descendants());
  }
  return stopped;
}

}  // namespace sandbox
