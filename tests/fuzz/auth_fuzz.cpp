// Four lines: X-Sentry-Auth, Authorization, the query, the key in the path.
#include <doctest/doctest.h>

#include "proto/auth.hpp"
#include "proto/dsn.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

proto::Auth read_again(const proto::AuthPlaces& places) {
  const auto auth = proto::find_auth(places);
  REQUIRE(auth.has_value());
  return *auth;
}

/// By query nothing is lost; by header the client loses what has no place in one.
void check_prints(const proto::Auth& auth) {
  const std::string query = proto::to_query(auth);
  const auto by_query = read_again({.query = query});
  CHECK(by_query.public_key == auth.public_key);
  CHECK(by_query.client == auth.client);
  CHECK(by_query.version == auth.version);
  const std::string header = proto::to_header(auth);
  CHECK(fuzz::is_one_line(header));
  const auto by_header = read_again({.x_sentry_auth = header});
  CHECK(by_header.public_key == auth.public_key);
  CHECK(by_header.version == auth.version);
  const std::string settled = proto::to_header(by_header);
  CHECK(proto::to_header(read_again({.authorization = settled})) == settled);
}

}  // namespace

void fuzz::auth(std::string_view bytes) {
  Input input(bytes);
  proto::AuthPlaces places;
  places.x_sentry_auth = input.line();
  places.authorization = input.line();
  places.query = input.line();
  places.path_key = input.line();

  const std::string stripped = proto::strip_auth(places.query);
  CHECK(stripped.size() <= places.query.size());
  CHECK(proto::strip_auth(stripped) == stripped);
  const auto found = proto::find_auth(places);
  if (!found) return;
  CHECK(proto::is_public_key(found->public_key));
  CHECK(found->version >= 0);
  CHECK(found->version <= 7);
  check_prints(*found);
}
