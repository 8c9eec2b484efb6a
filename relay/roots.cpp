#include "relay/roots.hpp"

#include <new>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

namespace relay {
namespace {

const unsigned char* bytes_of(std::string_view der) {
  return reinterpret_cast<const unsigned char*>(der.data());
}

/// Steps over (or into) the DER element at `at`, which ends before `end`. False if it is not `tag`.
bool step(const unsigned char*& at, const unsigned char* end, int tag, bool into) {
  const unsigned char* content = at;
  long length = 0;
  int found = 0;
  int tag_class = 0;
  const int result = ASN1_get_object(&content, &length, &found, &tag_class, end - at);
  if ((result & 0x80) != 0 || found != tag) return false;
  at = into ? content : content + length;
  return true;
}

/// RFC 5280, 4.1: what precedes the subject in a certificate.
bool find_subject(const unsigned char*& at, const unsigned char* end) {
  if (!step(at, end, V_ASN1_SEQUENCE, true) || !step(at, end, V_ASN1_SEQUENCE, true)) return false;
  step(at, end, 0, false);  // the version, [0], may be absent
  return step(at, end, V_ASN1_INTEGER, false) && step(at, end, V_ASN1_SEQUENCE, false) &&
         step(at, end, V_ASN1_SEQUENCE, false) && step(at, end, V_ASN1_SEQUENCE, false);
}

int get_by_subject(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name,
                   X509_OBJECT* found) {
  if (type != X509_LU_X509) return 0;
  X509_STORE* const store = X509_LOOKUP_get_store(lookup);
  const auto* roots = static_cast<const Roots*>(X509_LOOKUP_get_method_data(lookup));
  if (!roots->load(name, store)) return 0;
  X509_OBJECT* const loaded =
      X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, name);
  if (loaded == nullptr) return 0;
  // The caller takes a reference of its own and drops the object: the one set1 takes would leak.
  X509* const certificate = X509_OBJECT_get0_X509(loaded);
  if (X509_OBJECT_set1_X509(found, certificate) != 1) return 0;
  X509_free(certificate);
  return 1;
}

}  // namespace

bool subject_hash_of(std::string_view der, std::uint32_t& hash) {
  const unsigned char* at = bytes_of(der);
  const unsigned char* const end = at + der.size();
  bool found = find_subject(at, end);
  if (found) {
    X509_NAME* const name = d2i_X509_NAME(nullptr, &at, end - at);
    found = name != nullptr;
    if (found)
      hash = static_cast<std::uint32_t>(X509_NAME_hash_ex(name, nullptr, nullptr, nullptr));
    X509_NAME_free(name);
  }
  ERR_clear_error();
  return found;
}

void PemReader::Free::operator()(bio_st* bio) const { BIO_free(bio); }

PemReader::PemReader(std::string text)
    : text_(std::move(text)), bio_(BIO_new_mem_buf(text_.data(), static_cast<int>(text_.size()))) {
  if (!bio_) throw std::bad_alloc();
}

PemReader::~PemReader() = default;

bool PemReader::next(std::string& der) {
  der.clear();
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  const bool read = PEM_read_bio(bio_.get(), &name, &header, &data, &size) == 1;
  const bool ended = !read && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (read) {
    const std::string_view kind = name;
    if (kind == PEM_STRING_X509 || kind == PEM_STRING_X509_OLD || kind == PEM_STRING_X509_TRUSTED) {
      der.assign(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    }
  }
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(data,
                     static_cast<std::size_t>(size));  // the block may have been a private key
  ERR_clear_error();
  return !ended;
}

void Roots::Free::operator()(x509_lookup_method_st* method) const { X509_LOOKUP_meth_free(method); }

Roots::Roots() = default;
Roots::~Roots() = default;

void Roots::add(std::string der) {
  std::uint32_t hash = 0;
  if (!subject_hash_of(der, hash)) return;
  owned_.push_back(std::make_unique<const std::string>(std::move(der)));
  roots_.push_back({hash, *owned_.back()});
}

void Roots::add(std::span<const Root> roots) {
  roots_.insert(roots_.end(), roots.begin(), roots.end());
}

bool Roots::serve(x509_store_st* store) {
  method_.reset(X509_LOOKUP_meth_new("roots by subject"));
  if (!method_) return false;
  X509_LOOKUP_meth_set_get_by_subject(method_.get(), get_by_subject);
  X509_LOOKUP* const lookup = X509_STORE_add_lookup(store, method_.get());
  return lookup != nullptr && X509_LOOKUP_set_method_data(lookup, this) == 1;
}

bool Roots::load(const X509_name_st* subject, x509_store_st* store) const {
  const auto hash =
      static_cast<std::uint32_t>(X509_NAME_hash_ex(subject, nullptr, nullptr, nullptr));
  bool any = false;
  for (const Root& root : roots_) {
    if (root.subject_hash != hash) continue;
    const unsigned char* at = bytes_of(root.der);
    X509* const certificate = d2i_X509(nullptr, &at, static_cast<long>(root.der.size()));
    if (certificate != nullptr) any = X509_STORE_add_cert(store, certificate) == 1 || any;
    X509_free(certificate);
  }
  return any;
}

}  // namespace relay
