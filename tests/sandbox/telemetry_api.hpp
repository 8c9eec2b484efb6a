// The Telemetry API, version 2022-07-01: who may subscribe, and the platform events subscribers
// get. AWS docs, "Accessing real-time telemetry data for extensions using the Telemetry API".
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "tests/sandbox/extensions_api.hpp"
#include "tests/sandbox/telemetry_feed.hpp"

namespace sandbox {

/// on; off: subscriptions are accepted, nothing is delivered; unsupported: the emulators' 202 stub;
/// refused: 403.
enum class TelemetryMode { on, off, unsupported, refused };

struct TelemetryOptions {
  TelemetryMode mode = TelemetryMode::on;
  DeliveryFaults faults;
  bool newest_schema_only = false;
  std::string newest_schema = "2025-01-29";  ///< a later one is not known
  std::vector<std::string> lost;             ///< types that are never delivered, such as "report"
  bool forged = false;                       ///< records of invokes that never were come in between
};

class TelemetryApi {
 public:
  TelemetryApi(asio::io_context& io, Frost& frost, Recorder& recorder, ExtensionsApi& extensions,
               TelemetryOptions options);
  ~TelemetryApi();

  /// A new environment: subscriptions of the last one are gone, new ones may come.
  void open();

  void close_subscriptions() { open_ = false; }

  /// Ends deliveries; to be called before destruction.
  void stop();
  asio::awaitable<void> join();

  [[nodiscard]] Response subscribe(const Request& request);

  /// To every subscriber, now and, for those that subscribe during this init, later.
  void publish(std::string_view type, boost::json::object record);

  /// A line of the function's output, to those who asked for it; as an object where it is one in
  /// JSON, which production does where the function's log format is JSON.
  void function_line(std::string_view line);

  /// Delivers what waits, however young, as far as that can be done before `deadline`.
  asio::awaitable<void> flush(SteadyTime deadline);

 private:
  struct Running;

  struct Event {
    std::string source;  ///< platform or function
    std::string json;
  };

  void add_feed(Subscription subscription);
  void hand_over(std::string_view type, boost::json::value record);
  void forge();
  asio::awaitable<void> flush_feed(Running& running);

  asio::io_context& io_;
  Frost& frost_;
  Recorder& recorder_;
  ExtensionsApi& extensions_;
  TelemetryOptions options_;
  bool open_ = false;
  std::vector<Event> history_;  ///< this init's events, for those who subscribe late
  std::size_t flushing_ = 0;    ///< feeds that have not yet delivered what waits
  Condition flushed_;
  std::vector<std::unique_ptr<Running>> feeds_;
  std::vector<std::unique_ptr<Running>> ending_;
};

}  // namespace sandbox
