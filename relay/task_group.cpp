#include "relay/task_group.hpp"

#include <cassert>
#include <memory>
#include <new>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace relay {
namespace {

constexpr milliseconds kPause{1000};  // what fails at once must not take the loop for itself

void report(const TaskGroup::OnFailure& on_failure, std::exception_ptr failure) noexcept {
  try {
    on_failure(std::move(failure));
  } catch (...) {  // NOLINT(bugprone-empty-catch)
    // Out of memory, most likely: nothing is left to say it with.
  }
}

bool is_cancellation(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    return error.code() == asio::error::operation_aborted;
  } catch (...) {
    return false;
  }
}

}  // namespace

/// What Asio calls when a task has ended. Without memory it may let go of it instead: then the task
/// has ended as well.
class TaskGroup::Ending {
 public:
  Ending(TaskGroup& group, Tasks::iterator task) : group_(&group), task_(task) {}

  Ending(Ending&& other) noexcept
      : group_(std::exchange(other.group_, nullptr)), task_(other.task_) {}

  ~Ending() {
    if (group_ != nullptr) group_->ended(task_, nullptr);
  }

  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  Ending& operator=(Ending&&) = delete;

  void operator()(std::exception_ptr failure) {
    std::exchange(group_, nullptr)->ended(task_, std::move(failure));
  }

 private:
  TaskGroup* group_;
  Tasks::iterator task_;
};

TaskGroup::TaskGroup(asio::any_io_executor executor, OnFailure on_failure)
    : executor_(std::move(executor)), on_failure_(std::move(on_failure)), all_ended_(executor_) {}

TaskGroup::~TaskGroup() { assert(tasks_.empty() && "stop() and join() before the group dies"); }

void TaskGroup::spawn(asio::awaitable<void> task) {
  if (stopped_) return;
  const auto self = tasks_.emplace(tasks_.end());
  asio::co_spawn(executor_, std::move(task),
                 asio::bind_cancellation_slot(self->slot(), Ending(*this, self)));
}

void TaskGroup::ended(Tasks::iterator task, std::exception_ptr failure) noexcept {
  if (stopped_) {
    outlive_queue(task);
  } else {
    tasks_.erase(task);
  }
  if (failure && !is_cancellation(failure)) report(on_failure_, std::move(failure));
  if (tasks_.empty()) all_ended_.notify();
}

// A cancel from outside the loop reaches the task by way of the queue (Boost 1.81, co_spawn.hpp:
// co_spawn_cancellation_handler) and may find that it has ended: the signal outlives what is
// queued.
void TaskGroup::outlive_queue(Tasks::iterator task) noexcept {
  ended_.splice(ended_.end(), tasks_, task);
  try {
    const auto last = std::make_shared<Tasks>();
    asio::post(executor_, [last] {});
    last->splice(last->end(), ended_);
  } catch (const std::bad_alloc&) {  // NOLINT(bugprone-empty-catch)
    // It lives as long as the group.
  }
}

void TaskGroup::stop() {
  stopped_ = true;
  // A task may end, and leave the list, while its signal is emitted: step on first.
  for (auto task = tasks_.begin(); task != tasks_.end();) {
    auto& signal = *task++;
    signal.emit(asio::cancellation_type::terminal);
  }
}

asio::awaitable<void> TaskGroup::join() {
  while (!tasks_.empty()) co_await all_ended_.wait();
}

asio::awaitable<void> keep_running(Clock& clock, TaskGroup::OnFailure on_failure,
                                   std::function<asio::awaitable<void>()> begin) {
  for (;;) {
    std::exception_ptr failure;
    try {
      co_await begin();
    } catch (...) {
      failure = std::current_exception();
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (!failure || state.cancelled() != asio::cancellation_type::none) co_return;
    report(on_failure, std::move(failure));
    bool paused = true;
    try {
      co_await clock.sleep_until(clock.now() + kPause);
    } catch (...) {
      paused = false;
    }
    // Where there is no memory for a pause, the others have their turn.
    if (!paused) co_await asio::post(asio::use_awaitable);
  }
}

std::string describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

}  // namespace relay
