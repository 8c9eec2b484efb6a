// One subscriber's telemetry: buffered as it asked for, delivered while the environment is awake.
// AWS docs, "Lambda Telemetry API reference", buffering and delivery.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <set>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "tests/sandbox/condition.hpp"
#include "tests/sandbox/frost.hpp"

namespace sandbox {

struct Subscription {
  std::string subscriber;  ///< the extension's name
  std::uint16_t port = 0;
  std::string path = "/";
  std::chrono::milliseconds buffering{1000};
  std::size_t most_items = 10000;
  std::set<std::string, std::less<>> types;  ///< platform, function, extension
};

/// What goes wrong on the way.
struct DeliveryFaults {
  std::chrono::milliseconds delay{0};  ///< on top of the buffering
  unsigned repeat = 1;                 ///< how often each batch is delivered
  bool reversed = false;               ///< a batch is all that waits, the newest event first
  unsigned held = 0;                   ///< so many batches wait until the next freeze is over
};

class TelemetryFeed {
 public:
  TelemetryFeed(asio::io_context& io, Frost& frost, Subscription subscription,
                DeliveryFaults faults);

  void add(std::string event_json);

  /// Delivers until cancelled, no event sooner than the buffering time after it happened. A batch
  /// that is not answered 200 is sent again, with back-off.
  asio::awaitable<void> run();

  /// Delivers what waits, however young; events that come later are delivered at once.
  asio::awaitable<void> flush();

 private:
  struct Waiting {
    std::chrono::steady_clock::duration added;  ///< awake time
    std::string json;
  };

  [[nodiscard]] bool due(const Waiting& event) const;
  [[nodiscard]] std::string next_batch();
  asio::awaitable<void> deliver(asio::ip::tcp::socket& connection, std::string batch);

  asio::io_context& io_;
  Frost& frost_;
  Subscription subscription_;
  std::chrono::milliseconds age_wanted_;
  DeliveryFaults faults_;
  Condition added_;
  std::deque<Waiting> waiting_;
  bool hurry_ = false;
};

}  // namespace sandbox
