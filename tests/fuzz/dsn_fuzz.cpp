// All of the input is a DSN.
#include <doctest/doctest.h>

#include "proto/dsn.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/targets.hpp"

void fuzz::dsn(std::string_view input) {
  const auto parsed = proto::parse_dsn(input);
  if (!parsed) return;
  const std::string text = to_string(*parsed);
  const auto again = proto::parse_dsn(text);
  REQUIRE(again.has_value());
  CHECK(*again == *parsed);
  CHECK(proto::is_public_key(parsed->public_key));
  CHECK(proto::normalize_host(parsed->host) == parsed->host);
  CHECK(parsed->port != 0);
  // It becomes part of a request line and of a Host header.
  CHECK(is_visible_ascii(text));
  CHECK(is_visible_ascii(parsed->envelope_path()));
  CHECK_FALSE(parsed->path_prefix.ends_with('/'));
  const std::string shown = to_public_string(*parsed);
  CHECK(shown.substr(0, shown.find('@')).find(parsed->public_key) == std::string::npos);
}
