// Every limit of the relay, with its default. Read from the environment elsewhere; here they are
// values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "proto/dsn.hpp"
#include "relay/clock.hpp"

namespace relay {

inline constexpr std::size_t kMiB = 1024UL * 1024;

/// One entry of THAW_ALLOWED_HOSTS.
struct HostRule {
  std::string host;          ///< normalised; of a suffix rule without its leading dot
  bool suffix = false;       ///< ".example.com": names below it, and not the name itself
  bool tls = true;           ///< "http://host" allows plain http, and only that
  std::uint16_t port = 443;  ///< exactly this port
};

/// Which upstream a request may name (README, "Attach it").
struct RouteSettings {
  std::vector<proto::Dsn>
      configured;  ///< THAW_UPSTREAM_DSN and SENTRY_DSN, those that name Thaw left out
  std::vector<HostRule> allowed_hosts;
  std::size_t max_dsns = 32;  ///< distinct DSNs remembered; the next is refused
  /// Every key and project is taken, whatever host it names: nothing leaves, all is captured.
  bool capture = false;
};

struct ListenerSettings {
  std::uint16_t port = 9797;      ///< 0: any free one
  std::size_t max_clients = 128;  ///< the longest idle is closed; if none is idle, accept waits
  std::size_t max_header_bytes = 16UL * 1024;
  std::size_t max_body_bytes = 20 * kMiB;       ///< as it comes over the wire
  std::size_t max_receiving_bytes = 16 * kMiB;  ///< of all bodies together; one may always go on
  milliseconds read{10000};                     ///< to receive one request, awake time only
};

struct IntakeSettings {
  std::size_t max_decoded_bytes = 40 * kMiB;
  bool disabled = false;  ///< everything is answered as accepted, and dropped
};

/// Which web pages may send to us.
struct OriginSettings {
  bool checked = false;              ///< those of other sites are refused
  std::vector<std::string> allowed;  ///< but not these; as normalize_origin() has them
};

/// What is kept of what was captured; older ones are let go.
struct CaptureSettings {
  std::size_t max_envelopes = 500;
  std::size_t max_bytes = 32 * kMiB;  ///< of all of them; a larger one is told of, and not kept
};

struct BacklogSettings {
  std::size_t max_waiting = 10000;    ///< envelopes
  std::size_t max_bytes = 16 * kMiB;  ///< bodies in memory
};

enum class Compression { zstd, gzip, none };

struct DeliverySettings {
  std::size_t connections = 16;       ///< per upstream host
  milliseconds request{5000};         ///< whole request
  milliseconds budget{1000};          ///< how long a cut request's answer is waited for, at most
  unsigned breaker_failures = 3;      ///< in a row, until a host is only probed
  std::size_t max_bytes = 16 * kMiB;  ///< bodies on their way at once; one may always go
  milliseconds late{250};             ///< awake time after which a late envelope is sent
  Compression compression = Compression::zstd;
};

struct Settings {
  ListenerSettings listener;
  OriginSettings origins;
  IntakeSettings intake;
  BacklogSettings backlog;
  RouteSettings route;
  DeliverySettings delivery;
};

}  // namespace relay
