// An Extensions API without a network: answers are queued by the test, calls are noted in a shared
// diary.
#pragma once

#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "extension/extensions_api.hpp"
#include "proto/telemetry.hpp"
#include "relay/wakeup.hpp"

namespace extension_test {

namespace asio = boost::asio;

/// Who was called, in order.
using Diary = std::vector<std::string>;

class FakeExtensionsApi final : public extension::ExtensionsApi {
 public:
  FakeExtensionsApi(const asio::any_io_executor& executor, relay::Clock& clock, Diary& diary)
      : clock_(clock), diary_(diary), changed_(executor) {}

  using Registered = extension::Reply<proto::Registration>;
  using Next = extension::Reply<proto::LambdaEvent>;
  using Subscription = extension::Reply<extension::Subscribed>;

  /// Answers of register, in order; when there is none left it is granted.
  std::deque<Registered> registrations;
  /// The answer to the subscription; without one it is not answered in time.
  std::vector<Subscription> subscription{extension::Subscribed{}};
  /// How often each call is to throw first.
  int throws = 0;
  /// The next call ends as if the whole life were cancelled.
  bool aborts = false;

  void deliver(Next next) {
    events_.push_back(std::move(next));
    changed_.notify();
  }

  void invoke(std::string id, std::optional<relay::milliseconds> timeout) {
    proto::InvokeEvent event;
    event.request_id = std::move(id);
    if (timeout) event.deadline = clock_.wall_now() + *timeout;
    deliver(proto::LambdaEvent(std::move(event)));
  }

  void shutdown(std::optional<relay::milliseconds> left) {
    proto::ShutdownEvent event;
    event.reason = proto::ShutdownReason::spindown;
    if (left) event.deadline = clock_.wall_now() + *left;
    deliver(proto::LambdaEvent(std::move(event)));
  }

  [[nodiscard]] asio::awaitable<Registered> register_for(extension::Events events) override {
    diary_.emplace_back(events == extension::Events::shutdown_only ? "register SHUTDOWN"
                                                                   : "register");
    throw_if_told();
    Registered reply{proto::Registration{}};
    if (!registrations.empty()) {
      reply = std::move(registrations.front());
      registrations.pop_front();
    }
    registered_ = reply && std::holds_alternative<proto::Registration>(*reply);
    co_return reply;
  }

  [[nodiscard]] bool registered() const override { return registered_; }

  [[nodiscard]] asio::awaitable<Next> next() override {
    diary_.emplace_back("next");
    throw_if_told();
    asked();
    while (events_.empty()) co_await changed_.wait();
    Next next = std::move(events_.front());
    events_.pop_front();
    co_return next;
  }

  [[nodiscard]] asio::awaitable<Subscription> subscribe_telemetry(
      proto::TelemetrySubscription wanted, relay::SteadyTime deadline) override {
    auto& note = diary_.emplace_back("subscribe " + wanted.uri);
    if (wanted.schema != proto::kTelemetrySchemas[0]) note.append(" ").append(wanted.schema);
    if (wanted.function_logs) note += " function";
    if (wanted.buffer_ms != 25) note += " " + std::to_string(wanted.buffer_ms);
    if (subscription.empty()) {
      co_await clock_.sleep_until(deadline);
      co_return boost::system::error_code(asio::error::timed_out);
    }
    co_return subscription.front();
  }

 private:
  void throw_if_told() {
    if (std::exchange(aborts, false)) {
      throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (throws == 0) return;
    --throws;
    throw std::runtime_error("no luck");
  }

  relay::Clock& clock_;
  Diary& diary_;
  relay::Wakeup changed_;
  std::deque<Next> events_;
  bool registered_ = false;
};

inline extension::Refused refused(unsigned status, std::string type, std::string message) {
  return {status, {std::move(type), std::move(message)}};
}

}  // namespace extension_test
