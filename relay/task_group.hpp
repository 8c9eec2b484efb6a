// The only way to start a task. A group owns its tasks: it can cancel them, waits for their end,
// and tells its owner when one fails.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "relay/wakeup.hpp"

namespace relay {

class TaskGroup {
 public:
  /// Called for a task that ended with an exception other than its own cancellation. What it throws
  /// itself is lost.
  using OnFailure = std::function<void(std::exception_ptr)>;

  TaskGroup(asio::any_io_executor executor, OnFailure on_failure);
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  /// Every task must have ended: stop(), then join().
  ~TaskGroup();

  /// Refused after stop(), like a closed gate.
  void spawn(asio::awaitable<void> task);

  /// Cancels each task; returns before they end.
  void stop();

  /// Returns when the last task has ended.
  [[nodiscard]] asio::awaitable<void> join();

  [[nodiscard]] std::size_t size() const { return tasks_.size(); }

 private:
  using Tasks = std::list<asio::cancellation_signal>;
  class Ending;

  void ended(Tasks::iterator task, std::exception_ptr failure) noexcept;
  void outlive_queue(Tasks::iterator task) noexcept;

  asio::any_io_executor executor_;
  OnFailure on_failure_;
  Tasks tasks_;
  Tasks ended_;  ///< since stop(), but for what a queue may still know
  Wakeup all_ended_;
  bool stopped_ = false;
};

/// Runs what `begin` makes for as long as it is not cancelled: when it fails, that is reported, and
/// a pause later it is begun again.
[[nodiscard]] asio::awaitable<void> keep_running(Clock& clock, TaskGroup::OnFailure on_failure,
                                                 std::function<asio::awaitable<void>()> begin);

/// What an exception says, for a log line.
[[nodiscard]] std::string describe(const std::exception_ptr& failure);

}  // namespace relay
