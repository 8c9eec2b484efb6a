#include "extension/random.hpp"

#include <cerrno>
#include <cstdio>

#include <sys/random.h>

namespace extension {

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  // getrandom(2): up to 256 bytes come whole; only a signal before the pool is ready interrupts.
  while (::getrandom(&bits, sizeof bits, 0) != sizeof bits && errno == EINTR) {
  }
  return bits;
}

std::string random_name() {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(random_bits()),
                static_cast<unsigned long long>(random_bits()));
  return text;
}

}  // namespace extension
