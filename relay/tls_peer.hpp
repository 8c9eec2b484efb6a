// Whom a TLS connection has met, for people.
#pragma once

#include <string>

#include "relay/clock.hpp"

struct ssl_st;

namespace relay {

struct TlsPeer {
  enum class Verdict {
    good,
    out_of_date,  ///< expired, or not valid yet
    other_name,   ///< it is somebody else's
    not_trusted,  ///< no way to a root, or any other reason
  };

  Verdict verdict = Verdict::good;
  std::string why;      ///< OpenSSL's words for the verdict
  std::string version;  ///< "TLSv1.3"
  /// Organisation and name of the certificate's issuer, as the certificate writes them; "" where it
  /// was not accepted.
  std::string issuer;
  WallTime expires{};  ///< the certificate; the epoch where it was not accepted
};

/// After a handshake, whether it succeeded or not.
[[nodiscard]] TlsPeer peer_of(const ssl_st* ssl);

}  // namespace relay
