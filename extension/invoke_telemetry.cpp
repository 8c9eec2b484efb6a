#include "extension/invoke_telemetry.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace extension {
namespace {

using proto::TelemetryKind;
using proto::TelemetryRecord;
using relay::milliseconds;

// A start and an end.
constexpr std::size_t kMostEarly = 2;

}  // namespace

void InvokeTelemetry::begin(std::string request_id, Moment now) {
  open_ = Open{std::move(request_id), now};
  for (const auto& record : std::exchange(early_, {})) {
    if (is_open(record)) {
      apply(record, now);
    } else {
      ++others_;
    }
  }
}

InvokeTelemetry::News InvokeTelemetry::heard(const TelemetryRecord& record, Moment now,
                                             milliseconds limit) {
  const bool done = record.kind == TelemetryKind::runtime_done;
  if (!done && record.kind != TelemetryKind::start) return News::none;
  if (is_open(record)) {
    apply(record, now);
    return done ? News::in_time : News::none;
  }
  const auto ended = record.time.value_or(now.wall);
  const Holds::Invoke* const asked = done ? holds_.ended(record.request_id, ended) : nullptr;
  if (asked != nullptr) {
    if (relay::age(ended, now.wall) < limit) return News::in_time;
    return ended >= asked->asked ? News::too_late : News::none;
  }
  if (open_) {
    others_ += done ? 1 : 0;
  } else {
    keep(record);
  }
  return News::none;
}

void InvokeTelemetry::asked(Moment now, HeldFor what, const relay::Flow& flow) {
  if (!open_) return;
  Holds::Invoke invoke;
  invoke.request_id = std::move(open_->request_id);
  invoke.begun = open_->begun.wall;
  invoke.asked = now.wall;
  // No freeze has come since: a wall clock that stepped meanwhile is not believed.
  if (open_->ended) invoke.ended = now.wall - (now.steady - *open_->ended);
  invoke.what = what;
  invoke.accepted = flow.accepted;
  invoke.delivered = flow.delivered;
  holds_.asked(std::move(invoke));
  open_.reset();
}

bool InvokeTelemetry::is_open(const TelemetryRecord& record) const {
  return open_ && record.request_id == open_->request_id &&
         (!record.time || *record.time + kLateInvoke >= open_->begun.wall);
}

void InvokeTelemetry::apply(const TelemetryRecord& record, Moment now) {
  if (record.kind == TelemetryKind::start) {
    open_->started = true;
    return;
  }
  if (open_->ended) return;
  open_->failed = !record.status.empty() && record.status != "success";
  // It lies between INVOKE and now, whatever the clocks say.
  const auto first = std::min(open_->begun.wall, now.wall);
  const auto ended = std::clamp(record.time.value_or(now.wall), first, now.wall);
  open_->ended = std::max(now.steady - relay::age(ended, now.wall), open_->begun.steady);
}

void InvokeTelemetry::keep(const TelemetryRecord& record) {
  if (early_.size() == kMostEarly) {
    early_.erase(early_.begin());
    ++others_;
  }
  early_.push_back(record);
}

}  // namespace extension
