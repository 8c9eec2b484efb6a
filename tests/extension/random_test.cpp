#include "extension/random.hpp"

#include <string>

#include <doctest/doctest.h>

TEST_SUITE_BEGIN("extension/random");

TEST_CASE("a name is 128 bits as hexadecimal digits, another each time") {
  const std::string name = extension::random_name();
  CHECK(name.size() == 32);
  CHECK(name.find_first_not_of("0123456789abcdef") == std::string::npos);
  CHECK(name.substr(0, 16) != name.substr(16));
  CHECK(extension::random_name() != name);
}

TEST_SUITE_END();
