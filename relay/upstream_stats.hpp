// What the road to Sentry has carried so far; one writer (the connections), many readers.
#pragma once

#include <cstdint>

namespace relay {

struct UpstreamStats {
  std::uint64_t connects = 0;        ///< TCP connections established
  std::uint64_t reused = 0;          ///< requests on a pooled connection, kept alive or warmed
  std::uint64_t tls_handshakes = 0;  ///< completed, full or resumed
  std::uint64_t tls_resumed = 0;     ///< those of them that skipped the certificate
  std::uint64_t bytes_out = 0;       ///< on the wire: with TLS what the socket saw
  std::uint64_t bytes_in = 0;
};

}  // namespace relay
