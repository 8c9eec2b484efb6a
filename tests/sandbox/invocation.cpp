// Environment: one invoke, from the caller's request to the last next.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <boost/json/serialize.hpp>

#include "tests/sandbox/environment.hpp"

namespace sandbox {
namespace {

std::string invoke_event(const Invoke& invoke) {
  boost::json::object tracing;
  tracing["type"] = "X-Amzn-Trace-Id";
  tracing["value"] = invoke.trace;
  boost::json::object event;
  event["eventType"] = "INVOKE";
  event["deadlineMs"] = static_cast<std::int64_t>(invoke.deadline_ms);
  event["requestId"] = invoke.id;
  event["invokedFunctionArn"] = invoke.arn;
  event["tracing"] = std::move(tracing);
  return boost::json::serialize(event);
}

std::string new_trace() {
  std::string hex;
  for (const char c : new_uuid() + new_uuid())
    if (c != '-') hex += c;
  return "Root=1-" + hex.substr(0, 8) + "-" + hex.substr(8, 24) + ";Parent=" + hex.substr(32, 16) +
         ";Sampled=1";
}

/// What the caller is told when the function itself said nothing.
boost::json::value platform_answer(const std::string& id, const std::string& type,
                                   const std::string& text) {
  boost::json::object body;
  body["errorType"] = type;
  body["errorMessage"] = "RequestId: " + id + " Error: " + text;
  return body;
}

/// Made up where nothing measures it.
std::uint64_t memory_used_mb(const MemoryLimit* memory, std::uint64_t size) {
  if (memory == nullptr) return size / 2;
  return memory->exhausted() ? size : std::min(memory->peak_mib(), size);
}

SteadyTime steady_at(double epoch) {
  const std::chrono::duration<double, std::milli> left(epoch - epoch_ms());
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(left);
}

}  // namespace

asio::awaitable<void> Environment::invoke(std::string event, bool freeze_after) {
  if (parts_.function.managed()) {
    std::vector<std::string> events;
    events.push_back(std::move(event));
    co_return co_await burst(std::move(events));
  }
  const bool cold = fresh_ && !initialised_;
  co_await prepare();
  if (initialised_ && needs_restore()) co_await restore(std::chrono::milliseconds(0));
  InvokeRecord record;
  record.request_id = new_uuid();
  record.start_ms = epoch_ms();
  record.deadline_ms = record.start_ms + parts_.function.timeout_ms;
  record.phase = !initialised_ ? "invoke" : cold ? "init" : "warm";
  record.init_ms = cold && initialised_ ? init_ms_ : 0;
  record.restore_ms = std::exchange(restore_ms_, 0);
  if (initialised_ && failure_) co_return co_await fail_between(std::move(record));

  Invoke invoke = new_invoke(record, std::move(event));
  co_await run_invoke(invoke, record);
  const std::string status = record.status;
  const bool broken = status == "timeout" || failure_.has_value();
  publish_report(record);
  parts_.recorder.invokes.push_back(std::move(record));
  if (!broken) {
    freeze_follows_invoke_ = true;
    if (freeze_after) freeze();
    parts_.runtime.take_back();
    co_return;
  }
  co_await shut_down(status == "timeout" ? "timeout" : "failure");
  fresh_ = false;
}

Invoke Environment::new_invoke(const InvokeRecord& record, std::string event) const {
  Invoke invoke;
  invoke.id = record.request_id;
  invoke.arn = parts_.function.arn;
  invoke.trace = new_trace();
  invoke.event = std::move(event);
  invoke.deadline_ms = record.deadline_ms;
  return invoke;
}

asio::awaitable<void> Environment::run_invoke(Invoke& invoke, InvokeRecord& record) {
  const SteadyTime deadline = steady_at(invoke.deadline_ms);
  thaw();
  bool over = false;
  runtime_done_published_ = false;
  if (initialised_ && parts_.memory != nullptr) parts_.memory->watch();
  const bool able = initialised_ || co_await initialise("invoke", deadline);
  if (able && needs_restore()) co_await restore(std::chrono::milliseconds(0));
  publish_start(invoke.id);
  if (able && !failure_) {
    hand_out(invoke);
    const auto runtime_over = [&] { return invoke.responded_ms && parts_.runtime.ready(); };
    co_await parts_.changed.until([&] { return failure_ || runtime_over(); }, deadline);
    if (runtime_over()) {
      // AWS docs, "Lambda Telemetry API Event schema reference", Status: a handled error is none.
      const bool too_large = invoke.error_type == kResponseTooLarge;
      publish_runtime_done(record, too_large ? "error" : "success",
                           too_large ? kResponseTooLarge : "");
    }
    co_await parts_.changed.until([&] { return failure_ || invoke_over(invoke); }, deadline);
    over = invoke_over(invoke);
  }
  conclude(invoke, record, over);
}

void Environment::publish_start(const std::string& request_id) {
  boost::json::object start;
  start["requestId"] = request_id;
  start["version"] = parts_.function.version;
  parts_.telemetry.publish("platform.start", std::move(start));
}

void Environment::hand_out(Invoke& invoke) {
  parts_.recorder.event("INVOKE " + invoke.id);
  for (auto& agent : parts_.extensions.agents())
    if (agent->wants("INVOKE") && agent->parked != nullptr)
      deliver(*agent, invoke_event(invoke), true);
  parts_.runtime.hand_out(invoke);
  parts_.changed.notify();
}

bool Environment::invoke_over(const Invoke& invoke) const {
  if (!invoke.responded_ms || !parts_.runtime.ready()) return false;
  for (const auto& agent : parts_.extensions.agents())
    if (agent->wants("INVOKE") && agent->state != AgentState::ready) return false;
  return true;
}

void Environment::conclude(const Invoke& invoke, InvokeRecord& record, bool over) {
  const double now = epoch_ms();
  record.billed_ms = now - record.start_ms;
  record.response_ms = invoke.responded_ms.value_or(now) - record.start_ms;
  if (failure_ && failure_->type != "Sandbox.Timeout") {
    record.status = "error";
    record.error_type = failure_->type;
    record.response = platform_answer(invoke.id, failure_->type, failure_->text);
  } else if (!over) {
    char text[64];
    std::snprintf(text, sizeof text, "Task timed out after %.2f seconds",
                  parts_.function.timeout_ms / 1000.0);
    parts_.recorder.event(invoke.id + " " + text);
    record.status = "timeout";
    record.error_type = "Sandbox.Timedout";
    record.response = platform_answer(invoke.id, record.error_type, text);
  } else {
    record.status = invoke.is_error ? "error" : "success";
    record.error_type = invoke.error_type;
  }
  // The caller has had the function's own answer since the runtime posted it, whatever came later.
  if (invoke.responded_ms) record.response = as_json(invoke.response);
  // aws/aws-lambda-runtime-interface-emulator: internal/lambda/rapidcore/server.go: so it is with
  // what the runtime said of its init, if that was inside this invoke.
  if (const auto& error = parts_.runtime.init_error()) record.response = as_json(error->body);
  if (invoke.responded_ms) record.begun_ms = *invoke.begun_ms - record.start_ms;
  record.error_body = invoke.error_body;
  // internal/lambda/rapid/handlers.go there: before anyone is told to shut down.
  if (!over && !runtime_done_published_)
    publish_runtime_done(record, record.status, record.status == "error" ? record.error_type : "");
}

void Environment::publish_runtime_done(const InvokeRecord& record, std::string_view status,
                                       std::string_view error_type) {
  runtime_done_published_ = true;
  boost::json::object done;
  done["requestId"] = record.request_id;
  done["status"] = status;
  if (!error_type.empty()) done["errorType"] = error_type;
  done["metrics"] = boost::json::object{{"durationMs", epoch_ms() - record.start_ms}};
  parts_.telemetry.publish("platform.runtimeDone", std::move(done));
}

void Environment::publish_report(const InvokeRecord& record) {
  boost::json::object metrics;
  metrics["durationMs"] = *record.billed_ms;
  metrics["billedDurationMs"] = std::ceil(*record.billed_ms);
  metrics["memorySizeMB"] = parts_.function.memory_mb;
  metrics["maxMemoryUsedMB"] = memory_used_mb(parts_.memory, parts_.function.memory_mb);
  if (record.init_ms > 0) metrics["initDurationMs"] = record.init_ms;
  if (record.restore_ms > 0) metrics["restoreDurationMs"] = record.restore_ms;
  boost::json::object report;
  report["requestId"] = record.request_id;
  // A handled error is a success to the platform.
  const bool late = record.status == "timeout";
  const bool fault = !late && (failure_ || record.error_type == kResponseTooLarge);
  report["status"] = late ? "timeout" : fault ? "error" : "success";
  if (fault) report["errorType"] = record.error_type;
  report["metrics"] = std::move(metrics);
  parts_.telemetry.publish("platform.report", std::move(report));
  char text[64];
  std::snprintf(text, sizeof text, " %s billed %.1f ms", record.status.c_str(), *record.billed_ms);
  parts_.recorder.event("REPORT " + record.request_id + text);
}

/// Something died since the last invoke: this one fails at once, the next one starts over.
asio::awaitable<void> Environment::fail_between(InvokeRecord record) {
  record.status = "error";
  record.error_type = failure_->type;
  record.response = platform_answer(record.request_id, failure_->type, failure_->text);
  record.response_ms = epoch_ms() - record.start_ms;
  record.billed_ms = record.response_ms;
  publish_start(record.request_id);
  publish_runtime_done(record, record.status, record.error_type);
  publish_report(record);
  parts_.recorder.invokes.push_back(std::move(record));
  co_await shut_down("failure");
  fresh_ = false;
}

}  // namespace sandbox
