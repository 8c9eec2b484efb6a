// The only way a task starts: it has a parent that can cancel it and waits for its end.
#pragma once

#include <exception>
#include <functional>
#include <list>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/sandbox/condition.hpp"

namespace sandbox {

class TaskGroup {
 public:
  using OnFailure = std::function<void(std::exception_ptr)>;

  TaskGroup(asio::io_context& io, OnFailure on_failure);
  /// All tasks must have ended: join() first.
  ~TaskGroup();
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  /// Refused (the task is dropped unstarted) after stop().
  void spawn(asio::awaitable<void> task);

  /// Cancels every task; returns before they end.
  void stop();

  /// Returns when the last task has ended or at `deadline`; says whether all have.
  asio::awaitable<bool> join(SteadyTime deadline = SteadyTime::max());

  [[nodiscard]] bool empty() const { return tasks_.empty(); }

 private:
  using Tasks = std::list<asio::cancellation_signal>;
  void ended(Tasks::iterator task, std::exception_ptr failure);

  asio::io_context& io_;
  OnFailure on_failure_;
  Tasks tasks_;
  Condition ended_;
  bool stopped_ = false;
};

}  // namespace sandbox
