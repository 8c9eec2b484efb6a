// One execution environment in simulated time: the function as a length, the platform as a script,
// and between them the real lifecycle and the real relay. Milliseconds of wall time since the
// simulation began; while the environment is frozen its monotonic clock stands still.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "extension/pace.hpp"

namespace bench {

using Moment = std::int64_t;  ///< ms since the simulation began

/// What all environments of a run share.
struct World {
  // Given.
  Moment function = 20;       ///< how long it takes
  Moment rest = 0;            ///< how long of it is left when it fails
  Moment round_trip = 80;     ///< to Sentry
  int handshake = 2;          ///< round trips before the first request: TCP, TLS 1.3
  Moment cut_after = 30'000;  ///< a connection that has been silent for longer is dead
  Moment told_late = 25;      ///< platform.runtimeDone, behind the function's end

  // Seen.
  struct Bill {
    bool failing = false;
    Moment begun = 0;
    Moment billed = 0;  ///< from INVOKE until the environment may be frozen
  };

  std::vector<Bill> bills;
  std::vector<Moment> captured_at;  ///< by number of the event
  std::vector<Moment> arrived_at;   ///< the same; -1: never
  std::uint64_t duplicates = 0;
  std::uint64_t held_for_news = 0;      ///< invokes, of environments that have ended
  std::uint64_t held_for_delivery = 0;  ///< the same

  /// One more event; its number.
  std::uint64_t capture(Moment now);
  void arrive(std::uint64_t event, Moment now);
};

class Environment {
 public:
  virtual ~Environment() = default;

  /// Only where frozen(): an invoke, which brings an event World::rest before its end if it is
  /// `failing`.
  virtual void invoke(Moment now, bool failing) = 0;
  /// When something happens by itself; nullopt: never, it is frozen.
  [[nodiscard]] virtual std::optional<Moment> next() const = 0;
  virtual void pass(Moment now) = 0;
  [[nodiscard]] virtual bool frozen() const = 0;
  /// The end of a frozen one.
  virtual void shut_down(Moment now) = 0;
};

/// With Thaw.
[[nodiscard]] std::unique_ptr<Environment> with_thaw(World& world, extension::Pace pace,
                                                     Moment now);
/// The SDK alone. With `flush` an invoke that has an event waits until Sentry has answered, behind
/// a handshake if the connection is dead; without, nothing is captured at all.
[[nodiscard]] std::unique_ptr<Environment> without_thaw(World& world, bool flush);

}  // namespace bench
