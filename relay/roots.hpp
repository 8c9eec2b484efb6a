// Root certificates by subject. Parsing one costs OpenSSL 0.2 ms and some 10 KB, and a verification
// needs one of about 140: so they are kept as DER, and only the one asked for is parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

struct X509_name_st;
struct bio_st;
struct x509_lookup_method_st;
struct x509_store_st;

namespace relay {

struct Root {
  std::uint32_t subject_hash = 0;  ///< X509_NAME_hash
  std::string_view der;
};

/// Compiled in: the distribution's, as they were when this was built.
[[nodiscard]] std::span<const Root> embedded_roots();

/// The hash of the subject of a certificate in DER; false if it is none. Does not parse the key.
[[nodiscard]] bool subject_hash_of(std::string_view der, std::uint32_t& hash);

/// Takes a bundle of PEM blocks apart, one block at a time.
class PemReader {
 public:
  explicit PemReader(std::string text);
  ~PemReader();
  PemReader(const PemReader&) = delete;
  PemReader& operator=(const PemReader&) = delete;

  /// Reads one more block; its certificate goes to `der`, which is empty if the block held none.
  /// False at the end of the text.
  [[nodiscard]] bool next(std::string& der);

 private:
  struct Free {
    void operator()(bio_st* bio) const;
  };

  std::string text_;
  std::unique_ptr<bio_st, Free> bio_;
};

class Roots {
 public:
  Roots();
  ~Roots();
  Roots(const Roots&) = delete;
  Roots& operator=(const Roots&) = delete;

  /// Copies the certificate; one without a readable subject is left out.
  void add(std::string der);
  /// Refers to certificates that live for ever.
  void add(std::span<const Root> roots);

  [[nodiscard]] std::size_t size() const { return roots_.size(); }

  /// From now on `store`, which must die before this, finds its certificates here.
  [[nodiscard]] bool serve(x509_store_st* store);

  /// For OpenSSL's callback: parses the roots of this subject into `store`; true if there are any.
  bool load(const X509_name_st* subject, x509_store_st* store) const;

 private:
  struct Free {
    void operator()(x509_lookup_method_st* method) const;
  };

  std::vector<std::unique_ptr<const std::string>> owned_;
  std::vector<Root> roots_;
  std::unique_ptr<x509_lookup_method_st, Free> method_;
};

}  // namespace relay
