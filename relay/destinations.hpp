// The DSNs that envelopes have gone to: what upstream said about each. Bounded; entries stay where
// they are for the life of the process, so an envelope may point at its own.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/client_report.hpp"
#include "proto/rate_limits.hpp"
#include "relay/breaker.hpp"
#include "relay/route.hpp"
#include "relay/settings.hpp"

namespace relay {

/// One host that requests go to, shared by every DSN that lives there.
struct Host {
  Endpoint endpoint;
  Compression compression =
      Compression::zstd;  ///< falls to gzip for good when the host answers 415
  Breaker breaker;
  std::size_t in_flight = 0;  ///< requests begun and not ended
  milliseconds usual{0};      ///< how long its last answer took
};

struct Destination {
  Route route;
  std::string dsn{};  ///< the route's, as text
  proto::RateLimits limits;
  proto::ClientReport losses;             ///< that upstream has not been told of yet
  std::optional<WallTime> reported_at{};  ///< when it last was
  Host* host = nullptr;
  bool check_in_flight = false;  ///< a check-in is on its way: the next one waits for it
};

class Destinations {
 public:
  /// Each of `expected` finds its place, whoever comes before it.
  Destinations(std::size_t max, Compression compression, unsigned breaker_failures,
               std::vector<proto::Dsn> expected = {})
      : max_(max),
        compression_(compression),
        breaker_failures_(breaker_failures),
        expected_(std::move(expected)) {}

  /// The entry of `route`, made if it is new. nullptr when there are `max` already, those that are
  /// still expected among them: 403.
  [[nodiscard]] Destination* find_or_add(const Route& route);

  /// What the upstreams have said and failed to say, and what they are still to be told.
  void forget();

  /// The one the last accepted envelope went to; nullptr if there is none yet.
  [[nodiscard]] Destination* last_used() { return last_used_; }

  /// It went to this one, which was known.
  void use(Destination& destination) { last_used_ = &destination; }

  [[nodiscard]] const std::vector<std::unique_ptr<Destination>>& all() const { return entries_; }

  /// Those of every destination; they stay where they are, too.
  [[nodiscard]] const std::vector<std::unique_ptr<Host>>& hosts() const { return hosts_; }

 private:
  Host* host_of(const Endpoint& endpoint);

  std::size_t max_;
  Compression compression_;
  unsigned breaker_failures_;
  std::vector<proto::Dsn> expected_;  ///< that have not come yet
  std::vector<std::unique_ptr<Destination>> entries_;
  std::vector<std::unique_ptr<Host>> hosts_;
  Destination* last_used_ = nullptr;
};

}  // namespace relay
