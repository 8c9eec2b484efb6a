// Environment: how it ends.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "tests/sandbox/environment.hpp"

namespace sandbox {

using namespace std::chrono_literals;

namespace {

// aws/aws-lambda-runtime-interface-emulator: internal/lambda/rapid/shutdown.go: with external
// extensions 2,000 ms in all, of which the runtime gets 30 %; 500 ms with internal ones only.
constexpr auto kBudget = 2000ms;
constexpr auto kRuntimeShare = 600ms;
constexpr auto kInternalBudget = 500ms;
/// A subscriber that does not answer is not waited for; half of the budget is left for it to end.
constexpr auto kFlushLimit = 1000ms;

std::string shutdown_event(const std::string& reason, double deadline_ms) {
  boost::json::object event;
  event["eventType"] = "SHUTDOWN";
  event["deadlineMs"] = static_cast<std::int64_t>(deadline_ms);
  event["shutdownReason"] = reason;
  return boost::json::serialize(event);
}

}  // namespace

asio::awaitable<void> Environment::shut_down(std::string reason) {
  const SteadyTime begin = std::chrono::steady_clock::now();
  const double deadline_ms = epoch_ms() + static_cast<double>(kBudget.count());
  stopping_ = true;
  parts_.recorder.event("shutdown (" + reason + ")");
  thaw();
  auto& agents = parts_.extensions.agents();
  const bool external = std::ranges::any_of(agents, [](const auto& agent) {
    return agent->process != nullptr && agent->is_registered();
  });
  const bool internal =
      std::ranges::any_of(agents, [](const auto& agent) { return agent->internal; });
  const auto share = external ? kRuntimeShare : kInternalBudget;
  co_await end_runtime(begin + share, external || internal);
  // aws/aws-lambda-runtime-interface-emulator: internal/lambda-managed-instances/rapid/shutdown.go
  if (parts_.function.managed())
    co_await parts_.telemetry.flush(std::chrono::steady_clock::now() + kFlushLimit);
  const std::string event = shutdown_event(reason, deadline_ms);
  for (auto& agent : agents) hand_out_shutdown(*agent, event);
  parts_.changed.notify();
  co_await parts_.changed.until([this] { return !parts_.processes.any_running(); },
                                begin + kBudget);
  co_await kill_rest();
}

asio::awaitable<void> Environment::end_runtime(SteadyTime deadline, bool gracefully) {
  if (runtime_process_ == nullptr || !runtime_process_->running()) co_return;
  if (gracefully) {
    parts_.recorder.event("SIGTERM function");
    runtime_process_->signal_group(SIGTERM);
    co_await parts_.changed.until([this] { return !runtime_process_->running(); }, deadline);
  }
  if (!runtime_process_->running()) co_return;
  parts_.recorder.event("SIGKILL function");
  runtime_process_->signal_group(SIGKILL);
  co_await parts_.changed.until([this] { return !runtime_process_->running(); });
}

void Environment::hand_out_shutdown(Agent& agent, const std::string& event) {
  if (agent.process == nullptr || !agent.process->running()) return;
  if (!agent.wants("SHUTDOWN")) {
    parts_.recorder.event("SIGKILL " + agent.name + " (not registered for SHUTDOWN)");
    agent.process->signal_group(SIGKILL);
    return;
  }
  agent.shutdown = event;
  if (agent.parked == nullptr) return;  // busy: gets it if it calls next in time
  const auto document = boost::json::parse(event);
  const auto left = static_cast<double>(document.at("deadlineMs").as_int64()) - epoch_ms();
  parts_.recorder.event("SHUTDOWN to " + agent.name + ", " +
                        std::to_string(static_cast<int>(left)) + " ms left");
  agent.shutdown_delivered = true;
  deliver(agent, event, false);
}

asio::awaitable<void> Environment::kill_rest() {
  if (parts_.processes.any_running()) {
    outside_.destroyed();
    parts_.processes.kill_all();
    co_await parts_.changed.until([this] { return !parts_.processes.any_running(); });
  }
  forget_processes();
}

void Environment::forget_processes() {
  if (parts_.frost.frozen()) {  // killed while frozen: that freeze ends with the environment
    outside_.thawed();
    parts_.recorder.freezes.back().second = epoch_ms();
    parts_.frost.end();
  }
  freeze_follows_invoke_ = false;
  parts_.telemetry.stop();
  parts_.extensions.clear();
  parts_.runtime.clear();
  runtime_process_ = nullptr;
  initialised_ = false;
  restored_ = false;
  stopping_ = false;
  fresh_ = true;
  failure_.reset();
}

asio::awaitable<void> Environment::spindown() {
  if (!initialised_) {
    fresh_ = true;
    co_return;
  }
  co_await shut_down("spindown");
  parts_.processes.kill_strays();
}

asio::awaitable<void> Environment::destroy() {
  stopping_ = true;
  co_await kill_rest();
  parts_.processes.kill_strays();
}

}  // namespace sandbox
