// What `thaw check` has seen, as lines for a person. Pure: a further step of the road is a further
// fact and a further line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <boost/system/error_code.hpp>

#include "extension/settings.hpp"
#include "proto/dsn.hpp"
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
  std::string proxy;                  ///< "HTTPS_PROXY=http://…@host:3128"; "" for none
};

/// What Thaw makes of its settings, and what is wrong with them.
[[nodiscard]] std::vector<Finding> findings_of(const SettingsReading& reading,
                                               const Surroundings& surroundings);

/// How far a request to one upstream has come. A step that was not reached is empty.
struct RoadFacts {
  proto::Dsn dsn;
  std::string ca_file{};        ///< THAW_CA_FILE
  std::string ssl_cert_file{};  ///< SSL_CERT_FILE
  std::vector<std::string> addresses{};
  std::string connected_to{};
  std::optional<relay::TlsPeer> peer{};
  std::string roots{};  ///< where they came from
  std::optional<relay::UpstreamAnswer> answer{};
  boost::system::error_code failed{};  ///< of the first step that was not reached
  /// What each step took, the one that failed included.
  relay::milliseconds dns{0}, tcp{0}, tls{0}, sentry{0};
};

/// DNS, TCP, TLS (of an https upstream) and Sentry's answer, up to the first that failed.
[[nodiscard]] std::vector<Finding> findings_of(const RoadFacts& road, relay::WallTime now);

[[nodiscard]] bool any_failed(const std::vector<Finding>& findings);

/// "  ok      DNS         3 ms  text", and its advice below it. Nothing in it moves a cursor.
[[nodiscard]] std::string to_text(const Finding& finding);

/// The proxy that https upstreams go through, its credentials hidden: THAW_PROXY, https_proxy, then
/// HTTPS_PROXY. "" if there is none, or THAW_PROXY says direct.
[[nodiscard]] std::string proxy_in_effect(const Environment& environment);

}  // namespace extension
