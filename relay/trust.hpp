// Whom TLS connections trust. Nothing is read or made before the first connection asks; then the
// sources are taken in a step at a time, so that no turn of the loop is long.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "proto/result.hpp"
#include "relay/clock.hpp"
#include "relay/log.hpp"
#include "relay/roots.hpp"

struct ssl_ctx_st;

namespace relay {

class Trust {
 public:
  struct Settings {
    std::string ca_file{};        ///< THAW_CA_FILE; empty: not set
    std::string ssl_cert_file{};  ///< SSL_CERT_FILE, as OpenSSL reads it; empty: not set
    /// Amazon Linux, Debian, Alpine: the first that holds a certificate is taken, else the embedded
    /// ones.
    std::vector<std::string> system_files = {
        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"};
  };

  /// `log` outlives this.
  Trust(Settings settings, Log& log);
  ~Trust();
  Trust(const Trust&) = delete;
  Trust& operator=(const Trust&) = delete;

  /// The context for TlsStream, made at the first call; lives as long as this. A call that is
  /// cancelled leaves its share done for the next. Errors: Errc::no_trust.
  [[nodiscard]] asio::awaitable<proto::Result<ssl_ctx_st*>> context();

  /// Which source was taken, "embedded", or "" before the first call.
  [[nodiscard]] const std::string& source() const { return source_; }

 private:
  struct Candidate {
    std::string path;
    std::string variable;  ///< that named it; empty for a system file
  };

  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };

  void list_candidates();
  void step();
  void open_candidate();
  void close_candidate();
  void give_up(const Candidate& candidate, const std::string& why);
  void make_context();

  Settings settings_;
  Log& log_;
  std::vector<Candidate> candidates_;
  std::size_t candidate_ = 0;  ///< candidates_[candidate_] is being read if reader_ is set
  std::unique_ptr<PemReader> reader_;
  std::string source_;
  Roots roots_;
  std::unique_ptr<ssl_ctx_st, Free> context_;
  bool done_ = false;
};

}  // namespace relay
