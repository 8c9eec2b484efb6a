#include "relay/task_group.hpp"

#include <cassert>
#include <memory>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
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

TaskGroup::TaskGroup(asio::any_io_executor executor, OnFailure on_failure)
    : executor_(std::move(executor)), on_failure_(std::move(on_failure)), all_ended_(executor_) {}

TaskGroup::~TaskGroup() { assert(tasks_.empty() && "stop() and join() before the group dies"); }

void TaskGroup::spawn(asio::awaitable<void> task) {
  if (stopped_) return;
  const auto self = tasks_.emplace(tasks_.end());
  try {
    asio::co_spawn(
        executor_, std::move(task),
        asio::bind_cancellation_slot(self->slot(), [this, self](std::exception_ptr failure) {
          ended(self, std::move(failure));
        }));
  } catch (...) {
    tasks_.erase(self);
    throw;
  }
}

void TaskGroup::ended(Tasks::iterator task, std::exception_ptr failure) {
  if (stopped_) {
    // A cancel from outside the loop reaches the task by way of the queue (Boost 1.81,
    // co_spawn.hpp: co_spawn_cancellation_handler) and may find that it has ended: the signal
    // outlives what is queued.
    auto last = std::make_shared<Tasks>();
    last->splice(last->end(), tasks_, task);
    asio::post(executor_, [last] {});
  } else {
    tasks_.erase(task);
  }
  if (failure && !is_cancellation(failure)) report(on_failure_, std::move(failure));
  if (tasks_.empty()) all_ended_.notify();
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
    co_await clock.sleep_until(clock.now() + kPause);
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
