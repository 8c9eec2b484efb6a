// A certificate authority for one test: made in memory, trusted by nobody else.
#pragma once

#include <memory>
#include <string>

struct evp_pkey_st;
struct x509_st;

namespace support {

/// What a TLS server shows, as PEM.
struct Identity {
  std::string certificate;
  std::string key;
};

class Authority {
 public:
  Authority();
  ~Authority();

  /// Its own certificate, as PEM.
  [[nodiscard]] std::string root() const;

  /// `subject_alternative` in OpenSSL's notation: "DNS:localhost,IP:127.0.0.1". Valid from an hour
  /// ago for `seconds_left` from now.
  [[nodiscard]] Identity issue(const std::string& subject_alternative,
                               long seconds_left = 3600) const;

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
    void operator()(x509_st* certificate) const;
  };

  std::unique_ptr<evp_pkey_st, Free> key_;
  std::unique_ptr<x509_st, Free> certificate_;
};

}  // namespace support
