#include "tests/sandbox/certificate.hpp"

#include <cstdio>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace sandbox {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freed<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION_free>>;

struct Identity {
  Key key;
  Certificate certificate;
};

bool extend(X509* certificate, X509* issuer, int what, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, what, value));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

/// A key of P-256 and a certificate for it, not yet signed.
Identity draft(const char* name, long serial, X509* issuer) {
  Identity identity{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  X509* certificate = identity.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 7L * 24 * 3600);
  X509_set_pubkey(certificate, identity.key.get());
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  X509_set_issuer_name(certificate,
                       X509_get_subject_name(issuer != nullptr ? issuer : certificate));
  return identity;
}

bool sign(Identity& identity, const Identity& by) {
  return X509_sign(identity.certificate.get(), by.key.get(), EVP_sha256()) > 0;
}

bool write_pem(const std::string& path, X509* certificate) {
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) return false;
  const bool written = PEM_write_X509(file, certificate) == 1;
  return std::fclose(file) == 0 && written;
}

}  // namespace

std::unique_ptr<boost::asio::ssl::context> make_tls(const std::string& ca_path, bool resumes) {
  Identity authority = draft("thaw-sandbox throw-away CA", 1, nullptr);
  X509* ca = authority.certificate.get();
  if (!extend(ca, ca, NID_basic_constraints, "critical,CA:TRUE") ||
      !extend(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") ||
      !extend(ca, ca, NID_subject_key_identifier, "hash") || !sign(authority, authority))
    return nullptr;
  Identity server = draft("upstream.test", 2, ca);
  X509* certificate = server.certificate.get();
  if (!extend(certificate, ca, NID_subject_alt_name,
              "DNS:localhost,DNS:upstream.test,IP:127.0.0.1") ||
      !extend(certificate, ca, NID_ext_key_usage, "serverAuth") ||
      !extend(certificate, ca, NID_authority_key_identifier, "keyid:always") ||
      !sign(server, authority) || !write_pem(ca_path, ca))
    return nullptr;
  auto context = std::make_unique<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  SSL_CTX* raw = context->native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_session_id_context(raw, reinterpret_cast<const unsigned char*>("thaw"), 4);
  if (!resumes) {
    SSL_CTX_set_num_tickets(raw, 0);
    SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  }
  if (SSL_CTX_use_certificate(raw, certificate) != 1 ||
      SSL_CTX_use_PrivateKey(raw, server.key.get()) != 1)
    return nullptr;
  return context;
}

}  // namespace sandbox
