#include "relay/tls_peer.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace relay {
namespace {

TlsPeer::Verdict verdict_of(long result) {
  switch (result) {
    case X509_V_OK:
      return TlsPeer::Verdict::good;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return TlsPeer::Verdict::out_of_date;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return TlsPeer::Verdict::other_name;
    default:
      return TlsPeer::Verdict::not_trusted;
  }
}

std::string part_of(const X509_NAME* name, int part) {
  std::array<char, 128> text{};
  const int length = X509_NAME_get_text_by_NID(name, part, text.data(), text.size());
  return length > 0 ? std::string(text.data()) : "";
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return {};
  // One without an end says the year 9999 (RFC 5280, 4.1.2.5); the clock ends in 2262.
  constexpr auto kLast = std::chrono::floor<std::chrono::seconds>(WallTime::max());
  return std::min(std::chrono::sys_seconds(std::chrono::seconds(::timegm(&fields))), kLast);
}

}  // namespace

TlsPeer peer_of(const ssl_st* ssl) {
  const long result = SSL_get_verify_result(ssl);
  TlsPeer peer;
  peer.verdict = verdict_of(result);
  peer.why = X509_verify_cert_error_string(result);
  peer.version = SSL_get_version(ssl);
  // OpenSSL keeps only a certificate that it has accepted.
  const X509* const certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return peer;
  const X509_NAME* const issuer = X509_get_issuer_name(certificate);
  const std::string organisation = part_of(issuer, NID_organizationName);
  const std::string name = part_of(issuer, NID_commonName);
  peer.issuer = organisation + (organisation.empty() || name.empty() ? "" : ", ") + name;
  peer.expires = time_of(X509_get0_notAfter(certificate));
  return peer;
}

}  // namespace relay
