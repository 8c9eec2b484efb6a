// Environment: the restore of a SnapStart snapshot, as far as it can be had without a virtual
// machine: the processes are stopped and continued where a snapshot would have been taken and
// restored, and lose every connection but the platform's.
// AWS docs, "Improving startup performance with Lambda SnapStart"; order of the restore from
// aws/aws-lambda-runtime-interface-emulator: internal/lambda/rapid/handlers.go.
#include <utility>

#include "tests/sandbox/environment.hpp"

namespace sandbox {

using namespace std::chrono_literals;

namespace {

/// AWS docs, "Implement code before or after Lambda function snapshots".
constexpr auto kHookLimit = 10s;

}  // namespace

bool Environment::needs_restore() const {
  return parts_.function.world == World::snap_start && !restored_;
}

asio::awaitable<void> Environment::restore(std::chrono::milliseconds pause) {
  co_await prepare();
  if (!initialised_ || failure_) co_return;
  freeze();
  outside_.destroyed();
  co_await sleep_for(parts_.io, pause);
  restored_ = true;
  const double begin = epoch_ms();
  boost::json::object start;
  start["functionName"] = parts_.function.name;
  start["functionVersion"] = parts_.function.version;
  parts_.telemetry.publish("platform.restoreStart", std::move(start));
  parts_.recorder.event("restore");
  thaw();
  parts_.runtime.restored();
  const auto over = [this] {
    return failure_ || parts_.runtime.ready() || !parts_.runtime.restore_error().empty();
  };
  co_await parts_.changed.until(over, std::chrono::steady_clock::now() + kHookLimit);
  if (!parts_.runtime.restore_error().empty())
    fail(parts_.runtime.restore_error(), "the runtime could not be restored");
  if (!parts_.runtime.ready()) fail("Runtime.Unknown", "restore hooks did not end in time");
  announce_restore(begin);
}

void Environment::announce_restore(double begin_ms) {
  restore_ms_ = epoch_ms() - begin_ms;
  boost::json::object done;
  done["status"] = failure_ ? "error" : "success";
  if (failure_) done["errorType"] = failure_->type;
  parts_.telemetry.publish("platform.restoreRuntimeDone", done);
  done["metrics"] = boost::json::object{{"durationMs", restore_ms_}};
  parts_.telemetry.publish("platform.restoreReport", std::move(done));
  parts_.recorder.event(failure_ ? "restore failed: " + failure_->type : "restored");
}

}  // namespace sandbox
