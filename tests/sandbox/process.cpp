#include "tests/sandbox/process.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sandbox {
namespace {

/// Both ends close on exec and at the end of the scope unless taken.
struct Pipe {
  std::array<int, 2> ends{-1, -1};

  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
  }

  ~Pipe() {
    for (const int end : ends)
      if (end >= 0) ::close(end);
  }

  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] bool ok() const { return ends[0] >= 0; }

  [[nodiscard]] int take_reader() { return std::exchange(ends[0], -1); }

  void close_writer() { ::close(std::exchange(ends[1], -1)); }
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

struct Prepared {
  const Command& command;
  const char* program;
  std::vector<char*> arguments, environment;
  int input, output, errors, failure;
};

/// proc_pid_oom_score_adj(5): the most anyone can have; what it starts inherits it.
bool offer_to_the_kernel() {
  const int file = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  return file >= 0 && ::write(file, "1000", 4) == 4;
}

/// Runs between fork and exec: nothing here may allocate.
bool prepare(const Prepared& prepared) {
  const Command& command = prepared.command;
  ::setpgid(0, 0);
  const rlimit limit{command.descriptors, command.descriptors};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  if (::dup2(prepared.input, 0) < 0 || ::dup2(prepared.output, 1) < 0) return false;
  if (::dup2(prepared.errors, 2) < 0) return false;
  if (command.dies_first && !offer_to_the_kernel()) return false;
  if (command.confinement != nullptr && !enter(*command.confinement)) return false;
  if (::chdir(command.directory.c_str()) != 0) return false;
  // After setuid, which clears it. The parent may have died in between: then nobody waits for us.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return false;
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  // What we, or who started us, ignore would be ignored by the child, too.
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  return true;
}

[[noreturn]] void run_child(const Prepared& prepared) {
  if (prepare(prepared)) {
    // Boost.Asio opens its sockets without close-on-exec; nothing above 2 may leak into the child.
    ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
    // Not execvpe(3): it hands to a shell what the kernel cannot run, which the platform does not.
    ::execve(prepared.program, prepared.arguments.data(), prepared.environment.data());
  }
  const int error = errno;
  [[maybe_unused]] const auto written = ::write(prepared.failure, &error, sizeof error);
  ::_exit(127);
}

boost::system::error_code last_error(int error) {
  return {error, boost::system::system_category()};
}

}  // namespace

std::string find_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  if (name.find('/') != std::string::npos || path == nullptr) return name;
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string candidate = std::string(folder).append("/").append(name);
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return name;
}

// In this order: a group and a namespace are entered with our rights, not with the child's.
bool enter(const Confinement& confinement) {
  if (confinement.cpu >= 0 && ::write(confinement.cpu, "0", 1) != 1) return false;
  if (confinement.memory >= 0 && ::write(confinement.memory, "0", 1) != 1) return false;
  if (confinement.mounts >= 0 && ::setns(confinement.mounts, CLONE_NEWNS) != 0) return false;
  if (!confinement.user) return true;
  const auto [user, group] = *confinement.user;
  return ::setgroups(0, nullptr) == 0 && ::setgid(group) == 0 && ::setuid(user) == 0;
}

Process::Process(pid_t id, asio::posix::stream_descriptor out, asio::posix::stream_descriptor err)
    : output(std::move(out)), errors(std::move(err)), id_(id) {}

proto::Result<Process> Process::start(asio::io_context& io, const Command& command) {
  Pipe out, err, failure;
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (!out.ok() || !err.ok() || !failure.ok() || null < 0) return last_error(errno);
  const std::string program = find_program(command.arguments.front());
  const Prepared prepared{command,
                          program.c_str(),
                          pointers(command.arguments),
                          pointers(command.environment),
                          null,
                          out.ends[1],
                          err.ends[1],
                          failure.ends[1]};
  const pid_t id = ::fork();
  if (id == 0) run_child(prepared);
  ::close(null);
  if (id < 0) return last_error(errno);
  ::setpgid(id, id);
  failure.close_writer();
  int error = 0;
  if (::read(failure.ends[0], &error, sizeof error) == sizeof error) {
    ::waitpid(id, nullptr, 0);
    return last_error(error);
  }
  return Process(id, asio::posix::stream_descriptor(io, out.take_reader()),
                 asio::posix::stream_descriptor(io, err.take_reader()));
}

bool Process::reap() {
  if (wait_status_) return false;
  int status = 0;
  if (::waitpid(id_, &status, WNOHANG) != id_) return false;
  wait_status_ = status;
  return true;
}

void Process::signal_group(int signal) const {
  if (running()) ::kill(-id_, signal);
}

// A group outlives its leader, and its number is not given away while it has a member.
void Process::kill_leftovers() const { ::kill(-id_, SIGKILL); }

void Process::wait_stopped(std::chrono::steady_clock::time_point deadline) const {
  // It has to be scheduled once to notice the signal, so our core is given away between two looks.
  constexpr timespec kPause{0, 50000};
  while (running() && std::chrono::steady_clock::now() < deadline) {
    siginfo_t info{};
    const int failed = ::waitid(P_PID, static_cast<id_t>(id_), &info, WSTOPPED | WNOHANG);
    if (failed != 0 || info.si_pid == id_) return;
    ::nanosleep(&kPause, nullptr);
  }
}

std::optional<int> Process::exit_code() const {
  if (!wait_status_ || !WIFEXITED(*wait_status_)) return std::nullopt;
  return WEXITSTATUS(*wait_status_);
}

bool Process::killed() const {
  return wait_status_ && WIFSIGNALED(*wait_status_) && WTERMSIG(*wait_status_) == SIGKILL;
}

std::string Process::ending() const {
  if (const auto code = exit_code())
    return (*code == 0 ? "exit code " : "exit status ") + std::to_string(*code);
  if (!wait_status_) return "running";
  std::string name = ::sigdescr_np(WTERMSIG(*wait_status_));
  if (!name.empty() && name[0] >= 'A' && name[0] <= 'Z') name[0] = static_cast<char>(name[0] + 32);
  return "signal: " + name;
}

}  // namespace sandbox
