// One local request -> one answer: finds the way, the auth, the envelope; judges; takes it in.
// Never waits, touches no socket: the SDK is waiting.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "proto/auth.hpp"
#include "proto/envelope.hpp"
#include "relay/backlog.hpp"
#include "relay/destinations.hpp"
#include "relay/http_text.hpp"
#include "relay/settings.hpp"

namespace relay {

/// …/api/{project}/envelope/ taken apart; the prefix may name the upstream.
struct EnvelopePath {
  std::string prefix;  ///< "" or "/a/b"
  std::string_view project;
};

/// Matches by suffix, folds repeated slashes, tolerates a missing last one. nullopt: not such a
/// path.
[[nodiscard]] std::optional<EnvelopePath> match_envelope_path(std::string_view path);

class Intake {
 public:
  struct Parts {
    Clock& clock;
    Backlog& backlog;
    Destinations& destinations;
    Stats& stats;
    std::function<std::uint16_t()> own_port;
    std::function<milliseconds()> awake;  ///< Delivery::awake
    std::function<void()> accepted;
  };

  Intake(IntakeSettings settings, RouteSettings route, Parts parts);

  [[nodiscard]] Answer take(LocalRequest request, const EnvelopePath& path, std::string_view query);

  void close() { closing_ = true; }

 private:
  struct Sender {
    proto::Auth auth;
    std::uint64_t project_id = 0;
  };

  [[nodiscard]] Answer reject(RejectReason reason, Answer answer);
  [[nodiscard]] Answer refuse_format(boost::system::error_code why);
  [[nodiscard]] Answer refuse_route();
  [[nodiscard]] proto::Result<proto::Envelope> read(LocalRequest& request) const;
  /// `auth`: what the HTTP-level places held; where they held none the envelope's dsn speaks.
  [[nodiscard]] proto::Result<Sender> sender(const proto::Result<proto::Auth>& auth,
                                             const EnvelopePath& path,
                                             const proto::Envelope& envelope) const;
  [[nodiscard]] Answer admit(proto::Envelope envelope, const Sender& sender,
                             const EnvelopePath& path, std::string user_agent);
  [[nodiscard]] Answer acknowledge(const proto::Envelope& envelope) const;

  IntakeSettings settings_;
  RouteSettings route_;
  Parts parts_;
  bool closing_ = false;
};

}  // namespace relay
