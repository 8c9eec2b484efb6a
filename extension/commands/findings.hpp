// What `thaw check` has seen, as lines for a person. Pure: a further step of the road is a further
// fact and a further line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/system/error_code.hpp>

#include "extension/settings.hpp"
#include "proto/dsn.hpp"
#include "proto/proxy.hpp"
#include "relay/clock.hpp"
#include "relay/tls_peer.hpp"
#include "relay/upstream.hpp"

namespace extension {

/// One line, and what to do about it.
struct Finding {
  enum class Mark { fact, good, failed } mark = Mark::fact;
  std::string what;  ///< "DNS"
  std::string text;
  std::optional<relay::milliseconds> took{};
  std::string advice{};
};

/// What of the surroundings the settings meet.
struct Surroundings {
  boost::system::error_code journal;  ///< of writing into the journal's folder
  boost::system::error_code port;     ///< of binding it on 127.0.0.1
};

/// What Thaw makes of its settings, and what is wrong with them.
[[nodiscard]] std::vector<Finding> findings_of(const SettingsReading& reading,
                                               const Surroundings& surroundings);

/// How far a request to one upstream has come. A step that was not reached is empty.
struct RoadFacts {
  proto::Dsn dsn;
  std::string ca_file{};                 ///< THAW_CA_FILE
  std::string ssl_cert_file{};           ///< SSL_CERT_FILE
  std::optional<proto::Proxy> proxy{};   ///< that the request has to go through
  std::vector<std::string> addresses{};  ///< the proxy's, if there is one
  std::string connected_to{};
  std::optional<unsigned> proxy_status{};  ///< of its answer to CONNECT
  std::optional<relay::TlsPeer> peer{};
  std::string roots{};  ///< where they came from
  std::optional<relay::UpstreamAnswer> answer{};
  boost::system::error_code failed{};  ///< of the first step that was not reached
  /// What each step took, the one that failed included.
  relay::milliseconds dns{0}, tcp{0}, proxy_took{0}, tls{0}, sentry{0};
};

/// DNS, TCP, the proxy, TLS (of an https upstream) and Sentry's answer, up to the first that
/// failed.
[[nodiscard]] std::vector<Finding> findings_of(const RoadFacts& road, relay::WallTime now);

[[nodiscard]] bool any_failed(const std::vector<Finding>& findings);

/// "  ok      DNS         3 ms  text", and its advice below it. Nothing in it moves a cursor.
[[nodiscard]] std::string to_text(const Finding& finding);

}  // namespace extension
