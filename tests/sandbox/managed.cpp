// Environment: Managed Instances, where one environment runs many invokes at once.
// AWS docs, "Understanding the Lambda Managed Instances execution environment"; who is refused,
// what a late answer gets and what telemetry says from aws/aws-lambda-runtime-interface-emulator:
// internal/lambda-managed-instances/invoke/{invoke_router,running_invoke,metrics}.go.
#include <algorithm>
#include <cstdio>
#include <list>
#include <utility>

#include <boost/json/array.hpp>

#include "proto/timestamp.hpp"
#include "tests/sandbox/environment.hpp"

namespace sandbox {

using namespace std::chrono_literals;

namespace {

/// Workers start one after the other; the platform sends no more invokes than there are workers.
constexpr auto kWorkersLimit = 2s;

boost::json::object span(std::string_view name, double start_ms, double end_ms) {
  const std::chrono::milliseconds start(static_cast<std::int64_t>(start_ms));
  boost::json::object object;
  object["name"] = name;
  object["start"] = proto::to_rfc3339(std::chrono::system_clock::time_point(start));
  object["durationMs"] = end_ms - start_ms;
  return object;
}

/// Invokes that are under way together. What is still out at the end is taken back.
class Burst {
 public:
  Burst(const Environment::Parts& parts, const std::optional<Failure>& failure)
      : parts_(parts), failure_(failure) {}

  ~Burst() {
    for (const Flight& flight : flights_) parts_.runtime.take_back(flight.invoke);
  }

  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

  /// To a worker that waits; refused if none does.
  void depart(Invoke invoke, InvokeRecord record);

  /// Until each has its answer or has taken too long, or until the environment has failed.
  asio::awaitable<void> land();

 private:
  struct Flight {
    Invoke invoke;
    InvokeRecord record;
    SteadyTime deadline;
  };

  [[nodiscard]] bool settle(Flight& flight);
  static void answer_instead(InvokeRecord& record, const std::string& type,
                             const std::string& text);
  void publish_start(const Invoke& invoke);
  void publish_report(const Flight& flight);

  const Environment::Parts& parts_;
  const std::optional<Failure>& failure_;
  std::list<Flight> flights_;  ///< the Runtime API knows them by address
};

void Burst::depart(Invoke invoke, InvokeRecord record) {
  if (!parts_.runtime.ready() || flights_.size() >= parts_.function.max_concurrency) {
    parts_.recorder.event("refused " + invoke.id + ": no worker waits");
    record.response_ms = record.billed_ms = 0;
    answer_instead(record, "Runtime.Unavailable", "no idle runtimes");
    parts_.recorder.invokes.push_back(std::move(record));
    return;
  }
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(parts_.function.timeout_ms);
  Flight& flight = flights_.emplace_back(std::move(invoke), std::move(record), deadline);
  publish_start(flight.invoke);
  parts_.recorder.event("INVOKE " + flight.invoke.id);
  parts_.runtime.hand_out(flight.invoke);
}

asio::awaitable<void> Burst::land() {
  for (;;) {
    for (auto flight = flights_.begin(); flight != flights_.end();)
      flight = settle(*flight) ? flights_.erase(flight) : std::next(flight);
    if (flights_.empty()) co_return;
    co_await parts_.changed.wait_until(flights_.front().deadline);  // they left in this order
  }
}

/// True if nothing more will come of it.
bool Burst::settle(Flight& flight) {
  auto& [invoke, record, deadline] = flight;
  if (invoke.responded_ms) {
    record.status = invoke.is_error ? "error" : "success";
    record.error_type = invoke.error_type;
    record.response = as_json(invoke.response);
    record.error_body = invoke.error_body;
    record.begun_ms = *invoke.begun_ms - record.start_ms;
    parts_.runtime.take_back(invoke);
  } else if (failure_) {
    answer_instead(record, failure_->type, failure_->text);
    parts_.runtime.take_back(invoke);
  } else if (std::chrono::steady_clock::now() >= deadline) {
    char text[64];
    std::snprintf(text, sizeof text, "Task timed out after %.2f seconds",
                  parts_.function.timeout_ms / 1000.0);
    answer_instead(record, "Sandbox.Timedout", text);
    record.status = "timeout";
    parts_.runtime.give_up(invoke);  // its code goes on
  } else {
    return false;
  }
  record.response_ms = invoke.responded_ms.value_or(epoch_ms()) - record.start_ms;
  record.billed_ms = record.response_ms;
  publish_report(flight);
  parts_.recorder.event("REPORT " + invoke.id + " " + record.status);
  parts_.recorder.invokes.push_back(std::move(record));
  return true;
}

void Burst::answer_instead(InvokeRecord& record, const std::string& type, const std::string& text) {
  record.status = "error";
  record.error_type = type;
  boost::json::object body;
  body["errorType"] = type;
  body["errorMessage"] = text;
  record.response = std::move(body);
}

void Burst::publish_start(const Invoke& invoke) {
  boost::json::object start;
  start["requestId"] = invoke.id;
  start["version"] = parts_.function.version;
  start["functionArn"] = invoke.arn;
  parts_.telemetry.publish("platform.start", std::move(start));
}

/// A handled error is an error here, unlike elsewhere.
void Burst::publish_report(const Flight& flight) {
  const auto& [invoke, record, deadline] = flight;
  boost::json::object report;
  report["requestId"] = invoke.id;
  report["status"] = record.status;
  if (!record.error_type.empty()) report["errorType"] = record.error_type;
  report["metrics"] = boost::json::object{{"durationMs", *record.response_ms}};
  boost::json::array spans;
  if (invoke.responded_ms) {
    spans.emplace_back(span("responseLatency", record.start_ms, *invoke.begun_ms));
    spans.emplace_back(span("responseDuration", *invoke.begun_ms, *invoke.responded_ms));
  }
  report["spans"] = std::move(spans);
  parts_.telemetry.publish("platform.report", std::move(report));
}

}  // namespace

asio::awaitable<void> Environment::burst(std::vector<std::string> events) {
  const bool cold = !initialised_;
  co_await prepare();
  const std::size_t wanted = std::min<std::size_t>(events.size(), parts_.function.max_concurrency);
  const auto enough = [&] { return failure_ || parts_.runtime.waiting() >= wanted; };
  if (parts_.memory != nullptr) parts_.memory->watch();
  if (initialised_)
    co_await parts_.changed.until(enough, std::chrono::steady_clock::now() + kWorkersLimit);
  Burst burst(parts_, failure_);
  for (std::string& event : events) {
    InvokeRecord record;
    record.request_id = new_uuid();
    record.start_ms = epoch_ms();
    record.deadline_ms = record.start_ms + parts_.function.timeout_ms;
    record.phase = cold ? "init" : "warm";
    record.init_ms = cold ? init_ms_ : 0;
    Invoke invoke = new_invoke(record, std::move(event));
    burst.depart(std::move(invoke), std::move(record));
  }
  co_await burst.land();
  if (failure_) co_await shut_down("failure");
}

}  // namespace sandbox
