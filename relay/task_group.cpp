#include "relay/task_group.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <cassert>
#include <memory>
#include <utility>

namespace relay {
namespace {

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
  asio::co_spawn(executor_, std::move(task),
                 asio::bind_cancellation_slot(self->slot(), [this, self](std::exception_ptr failure) {
                   ended(self, std::move(failure));
                 }));
}

void TaskGroup::ended(Tasks::iterator task, std::exception_ptr failure) {
  if (stopped_) {
    // A cancel from outside the loop reaches the task by way of the queue (Boost 1.81, co_spawn.hpp:
    // co_spawn_cancellation_handler) and may find that it has ended: the signal outlives what is queued.
    auto last = std::make_shared<Tasks>();
    last->splice(last->end(), tasks_, task);
    asio::post(executor_, [last] {});
  } else {
    tasks_.erase(task);
  }
  if (failure && !is_cancellation(failure)) on_failure_(std::move(failure));
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
