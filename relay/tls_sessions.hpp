// The last TLS session of each endpoint, so that the next connection skips the certificate
// exchange.
#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "relay/upstream.hpp"

struct ssl_session_st;

namespace relay {

class TlsSessions {
 public:
  TlsSessions();
  ~TlsSessions();

  /// Takes the reference over.
  void keep(const Endpoint& endpoint, ssl_session_st* session);
  /// Null if there is none; lives until the next call of another member.
  [[nodiscard]] ssl_session_st* find(const Endpoint& endpoint) const;

  void drop(const Endpoint& endpoint) { sessions_.erase(endpoint); }

  void forget() { sessions_.clear(); }

 private:
  // A session is 1 to 6 KiB with its certificate chain; more endpoints than this are not worth it.
  static constexpr std::size_t kMost = 32;

  struct Free {
    void operator()(ssl_session_st* session) const;
  };

  std::map<Endpoint, std::unique_ptr<ssl_session_st, Free>> sessions_;
};

}  // namespace relay
