// TLS over a Wire, as single non-blocking attempts. OpenSSL reads and writes the socket through us,
// without buffers in between: a write that succeeded is with the kernel to the last byte.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "relay/tls_peer.hpp"
#include "relay/tls_sessions.hpp"
#include "relay/upstream.hpp"
#include "relay/wire.hpp"

struct bio_method_st;
struct ssl_ctx_st;
struct ssl_st;

namespace relay {

/// Sets what every stream of ours needs on a fresh context: TLS 1.2 or later, verification, session
/// news.
void configure_for_streams(ssl_ctx_st* context);

class TlsStream {
 public:
  /// `wire` and `sessions` outlive the stream; the context must come from configure_for_streams.
  /// The peer must prove to be endpoint.host, a name or an address.
  TlsStream(ssl_ctx_st* context, Wire& wire, Endpoint endpoint, TlsSessions& sessions);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// Errors: Errc::certificate_rejected, those of the wire, those of OpenSSL. A failure is final,
  /// and the endpoint's session is dropped.
  [[nodiscard]] Step handshake();
  [[nodiscard]] Step read(boost::asio::mutable_buffer into);
  /// At most one record at a time. After want, call again with the same bytes.
  [[nodiscard]] Step write(std::string_view bytes);

  /// No end and no data waits. Takes in the session tickets that may have come meanwhile.
  [[nodiscard]] bool quiet();
  [[nodiscard]] bool resumed() const;
  /// Why the certificate was rejected, for a log line.
  [[nodiscard]] std::string verification() const;

  [[nodiscard]] TlsPeer peer() const { return peer_of(ssl_.get()); }

  /// For OpenSSL's callback: the session of this stream has become known.
  void keep(ssl_session_st* session) { sessions_.keep(endpoint_, session); }

 private:
  struct Free {
    void operator()(bio_method_st* method) const;
    void operator()(ssl_st* ssl) const;
  };

  void name_peer();
  Step outcome(int result);

  Wire& wire_;
  Endpoint endpoint_;
  TlsSessions& sessions_;
  std::unique_ptr<bio_method_st, Free> method_;
  std::unique_ptr<ssl_st, Free> ssl_;
  bool mid_write_ = false;
  bool broken_ = false;
};

}  // namespace relay
