#include "tests/sandbox/environment.hpp"

#include <algorithm>
#include <utility>

#include <boost/json/value_from.hpp>

namespace sandbox {

namespace {

constexpr auto kTimeout = "Sandbox.Timeout";

}  // namespace

Environment::Environment(Parts parts, Command function, std::vector<Command> extensions,
                         OutsideWorld outside)
    : parts_(parts),
      function_(std::move(function)),
      extensions_(std::move(extensions)),
      outside_(std::move(outside)) {
  parts_.processes.on_exit([this](Process& process) { exited(process); });
}

asio::awaitable<void> Environment::prepare() {
  if (initialised_ || !fresh_) co_return;
  const SteadyTime deadline = std::chrono::steady_clock::now() + parts_.function.init_limit();
  const std::string phase = parts_.function.world == World::snap_start ? "snap-start" : "init";
  if (!co_await initialise(phase, deadline)) {
    // AWS docs: a failed init is cleaned up and tried once more inside the first invoke. On Managed
    // Instances the environment is discarded.
    co_await shut_down("spindown");
    fresh_ = parts_.function.managed();
  }
}

asio::awaitable<bool> Environment::initialise(std::string phase, SteadyTime deadline) {
  const double begin = epoch_ms();
  failure_.reset();
  parts_.extensions.clear();
  parts_.runtime.clear();
  parts_.telemetry.open();
  if (parts_.memory != nullptr) parts_.memory->begin_anew();
  boost::json::object start;
  start["initializationType"] = parts_.function.initialization_type();
  start["phase"] = phase;
  start["functionName"] = parts_.function.name;
  start["functionVersion"] = parts_.function.version;
  parts_.telemetry.publish("platform.initStart", std::move(start));
  parts_.recorder.event("init (" + phase + ")");
  initialised_ = co_await run_init(deadline);
  // aws/aws-lambda-runtime-interface-emulator: internal/lambda/rapid/handlers.go: who was late for
  // a failed init may still subscribe while it is cleaned up.
  if (initialised_) parts_.telemetry.close_subscriptions();
  parts_.processes.init_over();
  announce_init(phase, begin);
  init_ms_ = phase == "init" ? epoch_ms() - begin : 0;
  fresh_ = false;
  co_return initialised_;
}

asio::awaitable<bool> Environment::run_init(SteadyTime deadline) {
  const auto failed = [this] { return failure_.has_value(); };
  const auto registered = [](const Agent& agent) { return agent.state != AgentState::started; };
  const auto waiting = [](const Agent& agent) { return agent.state == AgentState::ready; };
  for (const Command& extension : extensions_)
    if (!launch(extension, true)) co_return false;
  co_await parts_.changed.until([&] { return failed() || all_agents(registered); }, deadline);
  if (!failed() && all_agents(registered)) {
    parts_.extensions.open_registration();
    if (!launch(function_, false)) co_return false;
    co_await parts_.changed.until(
        [&] { return failed() || parts_.runtime.asked_ever() || parts_.runtime.init_error(); },
        deadline);
    parts_.extensions.close_registration();
    co_await parts_.changed.until(
        [&] { return failed() || (parts_.runtime.initialised() && all_agents(waiting)); },
        deadline);
  }
  if (!failed() && !(parts_.runtime.initialised() && all_agents(waiting)))
    fail(kTimeout, "init did not end in time");
  co_return !failed();
}

bool Environment::launch(const Command& command, bool is_extension) {
  if (is_extension && parts_.extensions.full()) {
    // The second name: internal/lambda-managed-instances/rapid/model/customer_error.go there.
    fail(parts_.function.managed() ? "TooManyExtensions" : "Extension.LaunchError",
         "Extension limit (10) reached");
    return false;
  }
  const auto started = parts_.processes.start(command);
  if (!started) {
    hopeless_ = hopeless_ || is_extension;
    fail(is_extension ? "Extension.LaunchError" : "Runtime.InvalidEntrypoint",
         "fork/exec " + command.arguments.front() + ": " + started.error().message());
    if (!std::exchange(launch_failed_, true)) parts_.recorder.problem(failure_->text);
    return false;
  }
  if (is_extension) {
    parts_.extensions.launched(command.label, *started);
  } else {
    runtime_process_ = *started;
  }
  return true;
}

bool Environment::all_agents(bool (*holds)(const Agent&)) const {
  return std::ranges::all_of(parts_.extensions.agents(),
                             [&](const auto& agent) { return holds(*agent); });
}

void Environment::fail(std::string type, std::string text) {
  if (!failure_) failure_ = Failure{std::move(type), std::move(text)};
}

Failure Environment::runtime_failure(const Process& process) const {
  Failure failure{"Runtime.ExitError", "Runtime exited with error: " + process.ending()};
  const bool starved = parts_.memory != nullptr && parts_.memory->exhausted();
  if (starved && process.killed() && !parts_.function.oom_is_exit)
    failure.type = "Runtime.OutOfMemory";
  if (process.exit_code() == 0) failure.text = "Runtime exited without providing a reason";
  if (parts_.runtime.init_error()) failure.type = parts_.runtime.init_error()->type;
  return failure;
}

void Environment::exited(Process& process) {
  if (&process == runtime_process_ && !stopping_) {
    Failure failure = runtime_failure(process);
    parts_.recorder.event(failure.type);
    fail(std::move(failure.type), std::move(failure.text));
  }
  for (auto& agent : parts_.extensions.agents()) {
    if (agent->process != &process) continue;
    if (!stopping_) {
      const std::string type = agent->fatal_error.empty() ? "Extension.Crash" : agent->fatal_error;
      parts_.recorder.event(type + " " + agent->name);
      fail(type, process.ending());
    }
    agent->state = AgentState::exited;
    release(*agent);
  }
  parts_.changed.notify();
}

void Environment::announce_init(const std::string& phase, double begin_ms) {
  const bool late = failure_ && failure_->type == kTimeout;
  boost::json::object done;
  done["initializationType"] = parts_.function.initialization_type();
  done["phase"] = phase;
  done["status"] = failure_ ? "error" : "success";
  // aws/aws-lambda-runtime-interface-emulator: internal/lambda/rapid/handlers.go: nothing was
  // fatal.
  if (failure_) done["errorType"] = late ? "Runtime.Unknown" : failure_->type;
  parts_.telemetry.publish("platform.initRuntimeDone", done);
  for (const auto& agent : parts_.extensions.agents()) {
    boost::json::object extension;
    extension["name"] = agent->name;
    extension["state"] = name(agent->state);
    extension["events"] = boost::json::value_from(agent->events);
    parts_.telemetry.publish("platform.extension", std::move(extension));
  }
  // AWS docs, the same page: INIT_REPORT … Phase: init Status: timeout
  if (late) done["status"] = "timeout";
  done["metrics"] = boost::json::object{{"durationMs", epoch_ms() - begin_ms}};
  parts_.telemetry.publish("platform.initReport", std::move(done));
  for (const auto& agent : parts_.extensions.agents()) {
    std::string line = "EXTENSION Name: " + agent->name + " State: ";
    line.append(name(agent->state)).append(" Events: [");
    for (const auto& event : agent->events)
      line += (event == *agent->events.begin() ? "" : ", ") + event;
    parts_.recorder.event(line + "]");
  }
  parts_.recorder.event(failure_ ? "init failed: " + failure_->type + ": " + failure_->text
                                 : "init done");
}

void Environment::freeze() {
  if (!initialised_ || parts_.frost.frozen() || parts_.function.managed()) return;
  const double now = epoch_ms();
  parts_.processes.freeze();
  parts_.frost.begin();
  parts_.recorder.event("freeze");
  parts_.recorder.freezes.emplace_back(now, std::nullopt);
  if (freeze_follows_invoke_) parts_.recorder.invokes.back().freeze_begin_ms = now;
  outside_.frozen();
}

void Environment::thaw() {
  if (!parts_.frost.frozen()) return;
  outside_.thawed();
  const double now = epoch_ms();
  parts_.recorder.event("thaw");
  parts_.recorder.freezes.back().second = now;
  if (freeze_follows_invoke_) parts_.recorder.invokes.back().freeze_end_ms = now;
  freeze_follows_invoke_ = false;
  parts_.processes.thaw();
  parts_.frost.end();
}

asio::awaitable<void> Environment::rest(std::chrono::milliseconds length) {
  thaw();
  const SteadyTime end = std::chrono::steady_clock::now() + length;
  if (parts_.function.managed() && initialised_) {
    co_await parts_.changed.until([this] { return failure_.has_value(); }, end);
    if (failure_) co_await shut_down("failure");
  }
  co_await sleep_for(parts_.io, end - std::chrono::steady_clock::now());
}

void Environment::drop_next() {
  for (auto& agent : parts_.extensions.agents()) {
    if (agent->parked == nullptr) continue;
    parts_.recorder.event("drop next of " + agent->name);
    agent->parked->drop_connection();
  }
}

}  // namespace sandbox
