// A Delivery with everything around it: a clock moved by hand, an upstream that follows a script.
// When it goes, the accounts must balance.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "relay/delivery.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"
#include "tests/support/scripted_upstream.hpp"

namespace support {

/// Sent completely, and nothing heard since.
inline relay::SendProgress written(const relay::Clock& clock) {
  relay::SendProgress progress;
  progress.fully_written = true;
  progress.last_byte = clock.wall_now();
  return progress;
}

class DeliveryBench {
 public:
  explicit DeliveryBench(relay::DeliverySettings settings = {}, std::size_t max_dsns = 32)
      : destinations(max_dsns, settings.compression, settings.breaker_failures),
        delivery(io.get_executor(), settings,
                 {clock, log, upstream, backlog, destinations, stats, changed, no_jitter}) {
    tasks.spawn(delivery.run());
    gate(relay::Gate::open);
  }

  ~DeliveryBench() {
    stop();
    CHECK(upstream.hanging() == 0);
    CHECK(delivery.work().in_flight == 0);
    CHECK(stats.ledger.balances(backlog.waiting()));
    CHECK(failures == 0);
  }

  DeliveryBench(const DeliveryBench&) = delete;
  DeliveryBench& operator=(const DeliveryBench&) = delete;

  /// As intake does it. Returns the entry's id.
  std::uint64_t accept(proto::Envelope envelope, std::string_view host = "up.example",
                       std::uint64_t project = 42) {
    auto* destination = destinations.find_or_add(route(host, project));
    REQUIRE(destination != nullptr);
    REQUIRE(backlog.accept(parcel(std::move(envelope)), *destination, delivery.awake()));
    delivery.accepted();
    return ++accepted_;
  }

  std::uint64_t accept(std::string_view type) { return accept(envelope({type})); }

  void settle() { support::settle(io); }

  void advance(std::int64_t milliseconds) {
    clock.advance(relay::milliseconds{milliseconds});
    settle();
  }

  /// The process runs for a while: nothing is late by more than one step.
  void stay_awake(std::int64_t milliseconds, std::int64_t step = 10) {
    for (std::int64_t passed = 0; passed < milliseconds; passed += step) advance(step);
  }

  void gate(relay::Gate gate) {
    delivery.set_gate(gate);
    settle();
  }

  /// INVOKE has come, after a freeze of any length.
  void invoke() {
    delivery.thawed();
    gate(relay::Gate::open);
  }

  void stop() {
    delivery.stop();
    tasks.stop();
    settle();
  }

  [[nodiscard]] std::uint64_t delivered() const { return stats.envelopes_delivered; }

  [[nodiscard]] std::uint64_t dropped(relay::DropReason reason) const {
    return stats.ledger.dropped(reason).total();
  }

  [[nodiscard]] std::uint64_t refused(unsigned status) const {
    const auto found = stats.ledger.refused().find(status);
    return found == stats.ledger.refused().end() ? 0 : found->second.total();
  }

  boost::asio::io_context io{1};
  ManualClock clock{io.get_executor()};
  Lines lines;
  relay::Log log{{}, lines, clock};
  relay::Stats stats;
  relay::NoJournal journal;
  relay::Backlog backlog{{}, journal, stats};
  relay::Destinations destinations;
  relay::Wakeup changed{io.get_executor()};
  ScriptedUpstream upstream{io.get_executor()};
  relay::Delivery delivery;
  int failures = 0;
  relay::TaskGroup tasks{io.get_executor(), [this](const std::exception_ptr&) { ++failures; }};

 private:
  static std::uint64_t no_jitter() { return 0; }

  std::uint64_t accepted_ = 0;
};

}  // namespace support
