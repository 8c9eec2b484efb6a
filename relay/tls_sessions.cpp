#include "relay/tls_sessions.hpp"

#include <openssl/ssl.h>

namespace relay {

void TlsSessions::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

TlsSessions::TlsSessions() = default;
TlsSessions::~TlsSessions() = default;

void TlsSessions::keep(const Endpoint& endpoint, ssl_session_st* session) {
  if (sessions_.size() >= kMost && !sessions_.contains(endpoint))
    sessions_.erase(sessions_.begin());
  sessions_[endpoint].reset(session);
}

ssl_session_st* TlsSessions::find(const Endpoint& endpoint) const {
  const auto found = sessions_.find(endpoint);
  if (found == sessions_.end() || SSL_SESSION_is_resumable(found->second.get()) != 1)
    return nullptr;
  return found->second.get();
}

}  // namespace relay
