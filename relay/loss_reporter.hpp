// Tells upstream what we lost (Sentry develop docs, "Client Reports"): right behind an envelope of
// the same DSN, on the connection that carried it, now and then. Never worth a connection or a
// hold; what does not get through is told next time.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "relay/clock.hpp"
#include "relay/destinations.hpp"
#include "relay/stats.hpp"
#include "relay/upstream.hpp"
#include "relay/wakeup.hpp"

namespace relay {

class LossReporter {
 public:
  /// Everything passed in outlives it.
  LossReporter(const asio::any_io_executor& executor, Clock& clock, Upstream& upstream,
               Stats& stats);

  /// Behind an envelope that got through, if the last report was 30 s ago.
  [[nodiscard]] asio::awaitable<void> follow(Destination& destination);
  /// At the end: whatever there is, for every DSN, until `deadline`.
  [[nodiscard]] asio::awaitable<void> finish(Destinations& destinations, SteadyTime deadline);

  /// A freeze may come from now on: reports under way are given up, and none begins until
  /// allow(). One that was written completely counts as told: better untold than told twice.
  void hush();

  void allow() { hushed_ = false; }

 private:
  /// False when it was given up or the deadline has passed.
  asio::awaitable<bool> send_batch(Destination& destination, SteadyTime deadline);
  asio::awaitable<bool> attempt(const UpstreamRequest& request, SendProgress& progress);

  Clock& clock_;
  Upstream& upstream_;
  Stats& stats_;
  Wakeup given_up_;
  bool hushed_ = false;
};

}  // namespace relay
