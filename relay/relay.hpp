// The relay as its host sees it: a port that accepts, work that may be waited for, a gate that says
// whether a freeze can come. Knows nothing of Lambda.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "relay/clock.hpp"
#include "relay/journal.hpp"
#include "relay/log.hpp"
#include "relay/settings.hpp"
#include "relay/upstream.hpp"

namespace relay {

/// Whether the process may be stopped at any instruction.
enum class Gate {
  closed,    ///< at first: the host is not ready, nothing leaves
  early,     ///< a freeze may come and be for good (a snapshot): send what there is all the same
  open,      ///< no freeze can come: send what there is
  carried,   ///< none can come yet: send what waits now; what comes after it as if late
  late,      ///< a freeze may come: only what the late rule allows
  draining,  ///< the end: send everything, whatever its back-off says
};

/// What would be unfinished if a freeze came now.
struct Work {
  std::size_t receiving = 0;  ///< local requests begun and not yet answered
  /// A request waits that may be sent now; with the gate `carried`, one of those it is set for.
  bool due = false;
  std::size_t in_flight = 0;  ///< upstream requests without an answer
  /// Hosts that do not answer, being asked or about to be asked again with one request each.
  std::size_t probes = 0;

  /// Nothing, or nothing but probes.
  [[nodiscard]] bool at_most_probes() const { return receiving == 0 && !due && in_flight == 0; }

  [[nodiscard]] bool none() const { return at_most_probes() && probes == 0; }
};

struct HostFigures;
struct Snapshot;
class Capture;

/// Envelopes that have come and gone so far. start_over() begins anew.
struct Flow {
  std::uint64_t accepted = 0;
  std::uint64_t urgent = 0;  ///< of them, with an error, feedback or check-in
  std::uint64_t delivered = 0;
};

class Relay {
 public:
  /// Everything passed in outlives the relay. Nothing is opened yet. `random` gives 64 random bits.
  Relay(asio::any_io_executor executor, Clock& clock, Log& log, Upstream& upstream,
        Journal& journal, Settings settings, std::uint64_t (*random)());
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  /// Listens on the wanted port of 127.0.0.1 (and ::1 if there); if it is taken, on any free one;
  /// if even that fails, on none: logged, and tried again by retry(). Returns the port, 0 for
  /// none.
  std::uint16_t bind();
  /// At each INVOKE: takes the wanted port if it has become free, and the journal if it has. Cheap
  /// when there is nothing to do.
  void retry();
  [[nodiscard]] std::uint16_t port() const;

  /// Starts accepting; delivers as the gate allows, which is closed until set_gate().
  void start();

  /// Takes in what an earlier process left in the journal, in small slices beside new traffic.
  /// Once.
  void recover();

  /// Takes in an envelope of the host's own, as it would an SDK's: counted, kept, delivered. Goes
  /// to the first configured DSN, else to the last that an accepted envelope used. False, and
  /// counted nowhere: there is none, there is no room, or it is no envelope.
  [[nodiscard]] bool take_own(std::string_view envelope);
  /// The header of the last envelope that an SDK has sent since this was asked for the last time,
  /// one that names a trace rather than one that does not; "" if there was none, or one that is
  /// unusually long.
  [[nodiscard]] std::string take_last_header();
  /// sentry_client of the last SDK that has named itself; "" if none has.
  [[nodiscard]] std::string_view last_client() const;

  void set_gate(Gate gate);
  /// The gate, open or carried, closes then. What would hardly be answered before is not begun any
  /// more, and is no work. Until the gate is set the next time.
  void closes_at(SteadyTime time);
  /// Whether the gate, once late, is likely to open again soon. If so, nothing leaves in between
  /// for no better reason than that upstream would notice a duplicate.
  void expect_soon(bool soon);
  /// This process is a copy of one that was saved: counters, limits, breakers, connections, TLS
  /// sessions and names are forgotten. What waited is dropped and counted (DropReason::snapshot):
  /// every copy has it. Returns how many requests that were.
  std::size_t start_over();
  /// The process was, or may have been, stopped: requests in flight are judged, back-off and
  /// deadlines are re-armed. At every INVOKE and SHUTDOWN, before set_gate.
  void thawed();

  [[nodiscard]] Work work() const;
  /// When the last byte of a local request was read or the last answer written; nullopt: none yet.
  [[nodiscard]] std::optional<SteadyTime> last_local_activity() const;
  [[nodiscard]] Flow flow() const;
  /// Returns when work() or last_local_activity() may have changed, at `deadline` at the latest, or
  /// early when cancelled.
  [[nodiscard]] asio::awaitable<void> changed_until(SteadyTime deadline);

  /// The end: lets local requests finish, sends everything, urgent first, until `deadline`; then
  /// answers whoever still comes `closing`. What is left then stays in the journal for the next
  /// process; where none will come (`last`), or without a journal, it is given up and counted.
  /// Returns as soon as nothing is left.
  [[nodiscard]] asio::awaitable<void> drain(SteadyTime deadline, bool last);

  /// Cancels every task and waits for their end. After it the relay may die.
  [[nodiscard]] asio::awaitable<void> stop();

  /// For what the host knows (invokes, holds, pace): asked for each view.
  void set_host_figures(std::function<HostFigures()> figures);

  /// All figures of this moment.
  [[nodiscard]] Snapshot snapshot() const;
  /// GET /captured and /captured/ID show it from now on, and what is refused is logged. It outlives
  /// the relay.
  void show(const Capture& capture);

  /// /stats as JSON.
  [[nodiscard]] std::string stats_json() const;
  /// Anything was accepted, rejected, lost or went wrong: worth a summary line.
  [[nodiscard]] bool anything_to_say() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace relay
