#include "tests/sandbox/telemetry_feed.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/sandbox/http_exchange.hpp"

namespace sandbox {

using namespace std::chrono_literals;

TelemetryFeed::TelemetryFeed(asio::io_context& io, Frost& frost, Subscription subscription,
                             DeliveryFaults faults)
    : io_(io),
      frost_(frost),
      subscription_(std::move(subscription)),
      age_wanted_(subscription_.buffering + faults.delay),
      faults_(faults),
      added_(io) {}

void TelemetryFeed::add(std::string event_json) {
  waiting_.push_back({frost_.awake_time(), std::move(event_json)});
  added_.notify();
}

bool TelemetryFeed::due(const Waiting& event) const {
  return hurry_ || frost_.awake_time() - event.added >= age_wanted_;
}

asio::awaitable<void> TelemetryFeed::run() {
  asio::ip::tcp::socket connection(io_);
  for (;;) {
    co_await added_.until([this] { return !waiting_.empty(); });
    co_await frost_.sleep_awake(age_wanted_ - (frost_.awake_time() - waiting_.front().added));
    if (waiting_.empty() || !due(waiting_.front())) continue;
    const std::string batch = next_batch();
    if (faults_.held > 0) {
      --faults_.held;
      co_await frost_.next_thaw();
    }
    for (unsigned i = 0; i < faults_.repeat; ++i) co_await deliver(connection, batch);
  }
}

std::string TelemetryFeed::next_batch() {
  std::vector<std::string> events;
  while (events.size() < subscription_.most_items && !waiting_.empty()) {
    if (!faults_.reversed && !due(waiting_.front())) break;
    events.push_back(std::move(waiting_.front().json));
    waiting_.pop_front();
  }
  if (faults_.reversed) std::ranges::reverse(events);
  std::string batch = "[";
  for (const auto& event : events) batch.append(batch.size() > 1 ? "," : "").append(event);
  return batch + "]";
}

asio::awaitable<void> TelemetryFeed::flush() {
  hurry_ = true;
  asio::ip::tcp::socket connection(io_);
  while (!waiting_.empty()) {
    std::string batch = next_batch();
    co_await deliver(connection, std::move(batch));
  }
}

asio::awaitable<void> TelemetryFeed::deliver(asio::ip::tcp::socket& connection, std::string batch) {
  for (auto pause = 100ms;; pause = std::min(2 * pause, 5000ms)) {
    Headers headers;
    headers.emplace_back("Host", "sandbox.localdomain:" + std::to_string(subscription_.port));
    headers.emplace_back("Content-Type", "application/json");
    const unsigned status = co_await post(connection, subscription_.port, subscription_.path,
                                          std::move(headers), batch);
    if (status == 200) co_return;
    co_await frost_.sleep_awake(pause);
  }
}

}  // namespace sandbox
