// Build-time tool: turns files of PEM certificates into the table that relay/roots.hpp declares,
// sorted by subject hash so that the same certificates give the same file. Usage: generate_roots
// embedded_roots.cpp FILE.crt...
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

void read_file(const char* path, Certificates& certificates) {
  std::ifstream file(path, std::ios::binary);
  relay::PemReader reader({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
  std::string der;
  for (bool more = true; more;) {
    more = reader.next(der);
    std::uint32_t hash = 0;
    if (relay::subject_hash_of(der, hash)) certificates.emplace_back(hash, der);
  }
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
  if (count < 2) {
    std::fputs("usage: generate_roots embedded_roots.cpp FILE.crt...\n", stderr);
    return 2;
  }
  Certificates certificates;
  for (int i = 2; i < count; ++i) read_file(arguments[i], certificates);
  if (certificates.empty()) {
    std::fputs("no certificates; install the package ca-certificates\n", stderr);
    return 1;
  }
  std::sort(certificates.begin(), certificates.end());
  std::ofstream out(arguments[1], std::ios::binary);
  write_table(out, certificates);
  return out.flush() ? 0 : 1;
}
