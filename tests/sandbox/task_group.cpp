#include "tests/sandbox/task_group.hpp"

#include <cassert>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

namespace sandbox {
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

TaskGroup::TaskGroup(asio::io_context& io, OnFailure on_failure)
    : io_(io), on_failure_(std::move(on_failure)), ended_(io) {}

TaskGroup::~TaskGroup() { assert(tasks_.empty()); }

void TaskGroup::spawn(asio::awaitable<void> task) {
  if (stopped_) return;
  const auto place = tasks_.emplace(tasks_.end());
  asio::co_spawn(
      io_, std::move(task),
      asio::bind_cancellation_slot(place->slot(), [this, place](std::exception_ptr failure) {
        ended(place, std::move(failure));
      }));
}

void TaskGroup::ended(Tasks::iterator task, std::exception_ptr failure) {
  tasks_.erase(task);
  if (failure && !is_cancellation(failure)) on_failure_(failure);
  ended_.notify();
}

void TaskGroup::stop() {
  stopped_ = true;
  for (auto& task : tasks_) task.emit(asio::cancellation_type::terminal);
}

asio::awaitable<bool> TaskGroup::join(SteadyTime deadline) {
  co_return co_await ended_.until([this] { return tasks_.empty(); }, deadline);
}

}  // namespace sandbox
