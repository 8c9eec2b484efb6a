// Three lines: the path of a request, its query, the client's name.
#include <string>

#include <doctest/doctest.h>

#include "proto/auth.hpp"
#include "proto/dsn.hpp"
#include "proto/endpoint.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

const std::string kKey = "abcdef0123456789abcdef0123456789";

proto::Dsn upstream() {
  const auto dsn = proto::parse_dsn("https://" + kKey + "@up.example/prefix/42");
  REQUIRE(dsn.has_value());
  return *dsn;
}

std::string whole(const proto::Endpoint& endpoint) {
  return endpoint.prefix + "/api/" + std::string(endpoint.project) + "/" + endpoint.path;
}

/// What leaves has the same path below the DSN's project, and one auth at most in its URL.
void check_target(const proto::Endpoint& endpoint, std::string_view query,
                  std::string_view client) {
  const std::string rest = proto::strip_auth(query);
  const auto composed = proto::compose_target(upstream(), endpoint.path, rest, client);
  CHECK(composed.target.starts_with("/prefix/api/42/" + endpoint.path));
  const std::string_view target = composed.target;
  const auto mark = target.find('?', std::string("/prefix/api/42/").size() + endpoint.path.size());
  const auto sent = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  if (composed.auth == proto::AuthPlace::query) {
    const auto auth = proto::find_auth({.query = sent});
    REQUIRE(auth.has_value());
    CHECK(auth->public_key == kKey);
    // A name that holds control characters never gets here: find_auth() takes them out.
    const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
    std::string plain(client);
    std::erase_if(plain, is_control);
    CHECK(auth->client == plain);
  } else if (composed.auth == proto::AuthPlace::header) {
    CHECK_FALSE(proto::query_holds_auth(sent));
  }
}

}  // namespace

void fuzz::endpoint(std::string_view bytes) {
  Input input(bytes);
  const auto path = input.line();
  const auto query = input.line();
  const auto client = input.line();
  const auto found = proto::match_endpoint(path);
  if (!found) return;
  if (found->kind == proto::EndpointKind::tunnel) {
    CHECK(path.starts_with("/envelope"));
    return;
  }
  // As it is printed it is found again.
  const std::string text = whole(*found);
  const auto again = proto::match_endpoint(text);
  REQUIRE(again.has_value());
  CHECK(whole(*again) == text);
  CHECK(again->kind == found->kind);
  CHECK(again->project == found->project);
  CHECK(found->path.find("//") == std::string::npos);
  check_target(*found, query, client);
}
