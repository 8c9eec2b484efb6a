// Who leaves now: the walk over everything that waits, and how much of it would leave if no freeze
// could come. Changes nothing.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "relay/backlog.hpp"
#include "relay/clock.hpp"
#include "relay/due.hpp"

namespace relay {

/// The state of the sending side that the walk depends on.
struct SendingNow {
  Gate gate = Gate::open;
  milliseconds awake{0};                  ///< how long the process has certainly run
  std::size_t flights = 0;                ///< requests without an answer
  std::size_t bytes_in_flight = 0;        ///< of their bodies
  SteadyTime closes = SteadyTime::max();  ///< Relay::closes_at
  bool begun = false;                     ///< a request was, since the gate was set
  milliseconds late_since{0};             ///< `awake` when the gate was set to late
  bool soon = false;                      ///< Relay::expect_soon
  std::uint64_t carried_below = 0;        ///< ids of what waited when the gate was set to carried
  unsigned drainings = 0;                 ///< how often the gate was set to draining
};

class Schedule {
 public:
  Schedule(DeliverySettings settings, const Clock& clock, Backlog& backlog,
           Destinations& destinations);

  struct Survey {
    std::vector<std::uint64_t> leaving;
    milliseconds again{0};  ///< until the next walk may find more, if nothing happens before
  };

  [[nodiscard]] Survey survey(const SendingNow& now) const;

  /// How long one that has just come has to wait as far as time tells; 0: it may leave. Who finds
  /// no place is looked at when a request ends.
  [[nodiscard]] milliseconds until_leaving(Entry& entry, const SendingNow& now) const;

  /// Whether one that was begun, and of which nothing is on its way yet, may still leave although a
  /// freeze may come now.
  [[nodiscard]] bool may_go_on(Entry& entry, const SendingNow& now) const;

  /// Whether one more request to this host may begin, if there is an envelope for it.
  [[nodiscard]] bool has_place(Host& host, const SendingNow& now) const;

  struct Due {
    bool envelopes = false;  ///< at least one
    std::size_t probes =
        0;  ///< hosts with an open breaker that may be tried; if no envelope is due
  };

  [[nodiscard]] Due due(const SendingNow& now) const;

  /// At the end: each one that waits has had its try at a host that does not answer.
  [[nodiscard]] bool hopeless(unsigned drainings) const;

 private:
  /// Places by host, without a host that nothing may leave for now, whatever waits for it.
  using Room = std::map<const Host*, std::size_t>;

  [[nodiscard]] bool fits(const Host& host, const SendingNow& now) const;
  [[nodiscard]] bool probed_only(const Host& host, Gate gate) const;
  [[nodiscard]] milliseconds left_alone(Host& host, const SendingNow& now, WallTime wall) const;
  [[nodiscard]] std::set<const Host*> hosts_left_alone(const SendingNow& now, WallTime wall) const;
  [[nodiscard]] std::size_t places(const Host& host) const;
  [[nodiscard]] WaitingFacts facts(Entry& entry, const SendingNow& now, WallTime wall) const;
  [[nodiscard]] LateRule late_rule(const SendingNow& now) const;
  [[nodiscard]] milliseconds until_due(const WaitingFacts& waiting, Gate gate) const;
  [[nodiscard]] milliseconds pause_of(Entry& entry, const SendingNow& now, WallTime wall) const;
  [[nodiscard]] bool would_leave(Entry& entry, const SendingNow& now, WallTime wall) const;
  [[nodiscard]] Room room(const SendingNow& now, WallTime wall, milliseconds& again) const;

  DeliverySettings settings_;
  const Clock& clock_;
  Backlog& backlog_;
  Destinations& destinations_;
};

}  // namespace relay
