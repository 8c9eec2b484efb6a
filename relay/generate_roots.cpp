// Build-time tool: turns a bundle of PEM certificates into the table that relay/roots.hpp declares,
// sorted by subject hash so that the same bundle gives the same file. Usage: generate_roots
// BUNDLE.crt embedded_roots.cpp
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "relay/roots.hpp"

namespace {

using Certificates = std::vector<std::pair<std::uint32_t, std::string>>;

Certificates read_bundle(const char* path) {
  std::ifstream file(path, std::ios::binary);
  relay::PemReader reader({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
  Certificates certificates;
  std::string der;
  for (bool more = true; more;) {
    more = reader.next(der);
    std::uint32_t hash = 0;
    if (relay::subject_hash_of(der, hash)) certificates.emplace_back(hash, der);
  }
  std::sort(certificates.begin(), certificates.end());
  return certificates;
}

/// Octal escapes have a fixed length, unlike hexadecimal ones, which would swallow what follows.
void write_literal(std::ostream& out, const std::string& der) {
  constexpr std::size_t kPerLine = 24;
  for (std::size_t i = 0; i < der.size(); ++i) {
    if (i % kPerLine == 0) out << (i == 0 ? "\n     \"" : "\"\n     \"");
    const auto byte = static_cast<unsigned char>(der[i]);
    out << '\\' << (byte >> 6) << ((byte >> 3) & 7) << (byte & 7);
  }
  out << '"';
}

void write_table(std::ostream& out, const Certificates& certificates) {
  out << "// Made by generate_roots; do not edit.\n#include \"relay/roots.hpp\"\n\n"
         "namespace relay {\nnamespace {\n\nconstexpr Root kRoots[] = {\n";
  for (const auto& [hash, der] : certificates) {
    out << "    {" << hash << "U, {";
    write_literal(out, der);
    out << ", " << der.size() << "}},\n";
  }
  out << "};\n\n}  // namespace\n\nstd::span<const Root> embedded_roots() { return kRoots; }\n\n"
         "}  // namespace relay\n";
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) {
    std::fputs("usage: generate_roots BUNDLE.crt embedded_roots.cpp\n", stderr);
    return 2;
  }
  const Certificates certificates = read_bundle(arguments[1]);
  if (certificates.empty()) {
    std::fprintf(stderr, "%s: no certificates; install the package ca-certificates\n",
                 arguments[1]);
    return 1;
  }
  std::ofstream out(arguments[2], std::ios::binary);
  write_table(out, certificates);
  return out.flush() ? 0 : 1;
}
