#include "extension/commands/linked.hpp"

#include <cstddef>
#include <cstdint>

#include <ares.h>
#include <boost/version.hpp>
#include <brotli/decode.h>
#include <gnu/libc-version.h>
#include <openssl/crypto.h>
#include <simdjson.h>
#include <zlib.h>
#include <zstd.h>

// The package whose certificates are compiled in; the build system asks for it.
#ifndef THAW_ROOTS_VERSION
#define THAW_ROOTS_VERSION "unknown"
#endif

namespace extension {
namespace {

std::string dotted(unsigned major, unsigned minor, unsigned patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

// brotli/decode.h: twelve bits each for minor and patch.
std::string brotli() {
  const std::uint32_t version = ::BrotliDecoderVersion();
  return dotted(version >> 24U, (version >> 12U) & 0xFFFU, version & 0xFFFU);
}

}  // namespace

std::vector<Linked> linked() {
  return {
      {"OpenSSL", ::OpenSSL_version(OPENSSL_VERSION_STRING)},
      {"zstd", ::ZSTD_versionString()},
      {"zlib", ::zlibVersion()},
      {"brotli", brotli()},
      {"c-ares", ::ares_version(nullptr)},
      {"simdjson", dotted(simdjson::SIMDJSON_VERSION_MAJOR, simdjson::SIMDJSON_VERSION_MINOR,
                          simdjson::SIMDJSON_VERSION_REVISION)},
      {"Boost", dotted(BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)},
      {"glibc", ::gnu_get_libc_version()},
      // No more than that is in its headers.
      {"libstdc++ and libgcc", std::to_string(_GLIBCXX_RELEASE)},
      {"roots of ca-certificates", THAW_ROOTS_VERSION},
  };
}

std::string version_text(bool verbose) {
  constexpr std::size_t kColumn = 28;
  std::string text = "thaw " THAW_VERSION "\n";
  if (!verbose) return text;
  for (const auto& [name, version] : linked()) {
    std::string line = "  " + std::string(name);
    line.resize(kColumn, ' ');
    text += line + version + "\n";
  }
  return text;
}

}  // namespace extension
