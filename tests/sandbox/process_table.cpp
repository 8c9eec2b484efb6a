#include "tests/sandbox/process_table.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <sys/wait.h>

#include "tests/sandbox/process_tree.hpp"

namespace sandbox {
namespace {

/// On a crowded machine a stop takes a scheduler's turn; the loop stands still meanwhile.
constexpr auto kStopLimit = std::chrono::milliseconds(20);

}  // namespace

ProcessTable::ProcessTable(asio::io_context& io, TaskGroup& tasks, Recorder& recorder,
                           PipePolicy policy)
    : io_(io), tasks_(tasks), recorder_(recorder), policy_(policy), children_ended_(io, SIGCHLD) {
  adopt_orphans();
}

ProcessTable::~ProcessTable() {
  for (const auto& child : children_) {
    child->process.signal_group(SIGKILL);
    child->process.kill_leftovers();
    if (child->process.running()) ::waitpid(child->process.id(), nullptr, 0);
  }
  kill_strays();
}

proto::Result<Process*> ProcessTable::start(const Command& command) {
  auto started = Process::start(io_, command);
  if (!started) return started.error();
  reading_ = true;
  Child& child = *children_.emplace_back(std::make_unique<Child>(std::move(*started), command));
  recorder_.event("start " + child.label + " pid " + std::to_string(child.process.id()));
  tasks_.spawn(read_lines(child, child.process.output));
  tasks_.spawn(read_lines(child, child.process.errors));
  return &child.process;
}

void ProcessTable::freeze() {
  for (const auto& child : children_) child->process.signal_group(SIGSTOP);
  stopped_ = stop_descendants();
  const auto deadline = std::chrono::steady_clock::now() + kStopLimit;
  for (const auto& child : children_) child->process.wait_stopped(deadline);
}

void ProcessTable::thaw() {
  for (const auto& child : children_) child->process.signal_group(SIGCONT);
  for (const pid_t id : std::exchange(stopped_, {})) ::kill(id, SIGCONT);
}

void ProcessTable::kill_all() {
  for (const auto& child : children_) {
    if (child->process.running()) recorder_.event("SIGKILL " + child->label);
    child->process.signal_group(SIGKILL);
  }
}

void ProcessTable::kill_strays() {
  for (const pid_t id : descendants()) ::kill(id, SIGKILL);
}

bool ProcessTable::knows(pid_t id) const {
  return std::ranges::any_of(children_,
                             [id](const auto& child) { return child->process.id() == id; });
}

void ProcessTable::bury_orphans() {
  siginfo_t ended{};
  while (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
    if (knows(ended.si_pid)) return;  // after our look at it; there is a signal for it
    ::waitpid(std::exchange(ended.si_pid, 0), nullptr, 0);
  }
}

bool ProcessTable::any_running() const {
  for (const auto& child : children_)
    if (child->process.running()) return true;
  return false;
}

void ProcessTable::init_over() {
  if (policy_ == PipePolicy::read) return;
  reading_ = false;
  for (const auto& child : children_) {
    for (auto* pipe : {&child->process.output, &child->process.errors}) {
      boost::system::error_code ignored;
      if (policy_ == PipePolicy::close) pipe->close(ignored);
      if (policy_ == PipePolicy::stop) pipe->cancel(ignored);
    }
  }
}

asio::awaitable<void> ProcessTable::reap() {
  for (;;) {
    for (std::size_t i = 0; i < children_.size(); ++i) {
      Child& child = *children_[i];
      if (!child.process.reap()) continue;
      child.process.kill_leftovers();
      recorder_.event("exit " + child.label + ": " + child.process.ending());
      if (on_exit_) on_exit_(child.process);
    }
    bury_orphans();
    co_await children_ended_.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> ProcessTable::read_lines(Child& child, asio::posix::stream_descriptor& pipe) {
  std::string pending;
  std::array<char, 16384> chunk;
  boost::system::error_code failed;
  while (!failed && reading_) {
    const std::size_t size = co_await pipe.async_read_some(
        asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, failed));
    pending.append(chunk.data(), size);
    std::size_t begin = 0;
    for (std::size_t end; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1)
      recorder_.output(child.label, child.is_function, pending.substr(begin, end - begin));
    pending.erase(0, begin);
  }
  if (!pending.empty()) recorder_.output(child.label, child.is_function, std::move(pending));
}

}  // namespace sandbox
