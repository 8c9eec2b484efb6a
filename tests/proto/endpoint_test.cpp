#include "proto/endpoint.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "proto/auth.hpp"
#include "proto/errc.hpp"

using proto::AuthPlace;
using proto::Category;
using proto::EndpointKind;
using proto::match_endpoint;
using enum proto::EndpointKind;

namespace {

const std::string kKey = "abcdef0123456789abcdef0123456789";
constexpr std::array<std::uint64_t, 2> kRandom{0x0123456789abcdef, 0xfedcba9876543210};

proto::Dsn dsn(const std::string& prefix = "") {
  return proto::parse_dsn("https://" + kKey + "@up.example" + prefix + "/42").value();
}

}  // namespace

TEST_SUITE("proto/endpoint") {
  TEST_CASE("a target is its path and its query") {
    struct Row {
      std::string_view target, path, query;
    };

    for (const auto& row : std::vector<Row>{{"/api/42/envelope/", "/api/42/envelope/", ""},
                                            {"/a?b=c", "/a", "b=c"},
                                            {"/a?b=c?d", "/a", "b=c?d"},
                                            {"/a?", "/a", ""},
                                            {"?b", "", "b"},
                                            {"", "", ""}}) {
      CAPTURE(row.target);
      const auto [path, query] = proto::split_target(row.target);
      CHECK(path == row.path);
      CHECK(query == row.query);
    }
  }

  TEST_CASE("an endpoint is found by its end") {
    struct Row {
      std::string_view path;
      EndpointKind kind;
      std::string_view prefix, project, below;
    };

    const std::vector<Row> rows{
        {"/api/42/envelope/", envelope, "", "42", "envelope/"},
        {"/api/42/envelope", envelope, "", "42", "envelope/"},
        {"//api///42//envelope//", envelope, "", "42", "envelope/"},
        {"/o1.ingest.us.sentry.io/api/42/envelope/", envelope, "/o1.ingest.us.sentry.io", "42",
         "envelope/"},
        {"/a//b/api/42/envelope/", envelope, "/a/b", "42", "envelope/"},
        {"/api/api/42/envelope/", envelope, "/api", "42", "envelope/"},
        {"/api/x/envelope/", envelope, "", "x", "envelope/"},
        {"/api/42/store", store, "", "42", "store/"},
        {"/h/api/42/minidump", minidump, "/h", "42", "minidump/"},
        {"/api/42/cron/nightly", cron, "", "42", "cron/nightly/"},
        {"/api/42/cron//nightly/KEY", cron, "", "42", "cron/nightly/KEY/"},
        {"/api/42/cron/api/KEY/", cron, "", "42", "cron/api/KEY/"},
        {"/api/42/unreal/KEY/", unreal, "", "42", "unreal/KEY/"},
        {"/api/42/events/9ec79c33/attachments/", attachments, "", "42",
         "events/9ec79c33/attachments/"},
        {"/api/42/integration/otlp/v1/traces", otlp, "", "42", "integration/otlp/v1/traces/"},
        {"/api/42/integration/otlp/v1/logs/", otlp, "", "42", "integration/otlp/v1/logs/"},
        {"/api/42/integration/vercel/logs", vercel, "", "42", "integration/vercel/logs/"},
        {"/api/42/security/", security, "", "42", "security/"},
        {"/api/42/csp-report/", security, "", "42", "csp-report/"},
        {"/api/42/nel/", security, "", "42", "nel/"},
        {"/h/api/42/a%20b//c/", other, "/h", "42", "a%20b/c/"},
        {"/api/42/playstation", other, "", "42", "playstation"},
        {"/api/42/otlp/v1/traces", other, "", "42", "otlp/v1/traces"},
        {"/api/42/integration/otlp/v1/metrics", other, "", "42", "integration/otlp/v1/metrics"},
        {"/api/42/Envelope/", other, "", "42", "Envelope/"},
        {"/api/42/envelope/x", other, "", "42", "envelope/x"},
        {"/api/42/cron/", other, "", "42", "cron/"},
        {"/api/42/cron/a/b/c", other, "", "42", "cron/a/b/c"},
        {"/api/1/x", other, "", "1", "x"},
        {"/api/18446744073709551615/x", other, "", "18446744073709551615", "x"},
    };
    for (const auto& row : rows) {
      CAPTURE(row.path);
      const auto matched = match_endpoint(row.path);
      REQUIRE(matched.has_value());
      CHECK(matched->kind == row.kind);
      CHECK(matched->prefix == row.prefix);
      CHECK(matched->project == row.project);
      CHECK(matched->path == row.below);
    }
  }

  TEST_CASE("what is not below a project is no endpoint") {
    for (const std::string_view path :
         {"", "/", "/api", "/api/42", "/api/42/", "/h/api", "/h/h/api/42", "/api/envelope/",
          "/api/store/", "/42/envelope/", "/apix/42/envelope/", "/api/x/playstation",
          "/api/18446744073709551616/x", "/api/-1/x", "/api/relay/healthcheck/live/",
          "/api/0/relays/projectconfigs/", "/api/0/organizations/", "/stats", "/health"}) {
      CAPTURE(path);
      CHECK_FALSE(match_endpoint(path).has_value());
    }
  }

  TEST_CASE("what begins with /envelope is the tunnel, unless a project is named behind it") {
    struct Row {
      std::string_view path;
      std::optional<EndpointKind> kind;
    };

    for (const auto& row : std::vector<Row>{
             {"/envelope", tunnel},
             {"/envelope/", tunnel},
             {"/envelope/x", tunnel},
             {"/envelopes", tunnel},
             {"/envelope/api/x/y", tunnel},
             {"/envelope/api/42/envelope/", envelope},
             {"/envelope/api/42/minidump/", minidump},
             {"/envelope/api/42/x", other},
             {"//envelope", std::nullopt},
             {"/Envelope", std::nullopt},
             {"/envelop", std::nullopt},
             {"/x/envelope", std::nullopt},
             {"envelope", std::nullopt},
             {"/envelope/../x", std::nullopt},
         }) {
      CAPTURE(row.path);
      const auto matched = match_endpoint(row.path);
      CHECK(matched.has_value() == row.kind.has_value());
      if (matched) CHECK(matched->kind == row.kind);
    }
    CHECK(match_endpoint("/envelope/x")->prefix.empty());
  }

  TEST_CASE("a resumable upload is not taken: its sender needs upstream's own answer") {
    CHECK_FALSE(match_endpoint("/api/42/upload/").has_value());
    CHECK_FALSE(match_endpoint("/api/42/upload/abc?x").has_value());
  }

  TEST_CASE("no path climbs out of its project") {
    for (const std::string_view path :
         {"/api/42/../0/users/", "/api/42/./x", "/api/42/x/..", "/api/42/%2e%2E/x",
          "/../api/42/envelope/", "/api/42/.%2e/x"}) {
      CAPTURE(path);
      CHECK_FALSE(match_endpoint(path).has_value());
    }
    CHECK(match_endpoint("/api/42/..x/").has_value());
  }

  TEST_CASE("all are posted to, a check-in may be a GET") {
    for (const auto kind : {envelope, tunnel, store, cron, otlp, vercel, minidump, unreal,
                            attachments, security, other}) {
      CHECK(proto::takes_method(kind, "POST"));
      CHECK(proto::takes_method(kind, "GET") == (kind == cron));
      for (const std::string_view method : {"PUT", "HEAD", "OPTIONS", "post", ""}) {
        CHECK_FALSE(proto::takes_method(kind, method));
      }
    }
  }

  TEST_CASE("an envelope may come to store/ as well, if it says so") {
    constexpr std::string_view kType = "application/x-sentry-envelope";
    CHECK(proto::takes_envelope(envelope, ""));
    CHECK(proto::takes_envelope(envelope, "text/plain"));
    CHECK(proto::takes_envelope(tunnel, ""));
    CHECK(proto::takes_envelope(store, kType));
    CHECK_FALSE(proto::takes_envelope(store, "application/json"));
    CHECK_FALSE(proto::takes_envelope(store, ""));
    CHECK_FALSE(proto::takes_envelope(other, kType));
  }

  TEST_CASE("two endpoints may hold the key in their path") {
    CHECK(proto::key_in_path("cron/nightly/KEY/") == "KEY");
    CHECK(proto::key_in_path("unreal/KEY/") == "KEY");
    for (const std::string_view path :
         {"", "cron/nightly/", "store/", "unreal/", "unreal/a/b/", "cron/a/b/c", "x/cron/a/b/"}) {
      CAPTURE(path);
      CHECK(proto::key_in_path(path).empty());
    }
  }

  TEST_CASE("check-ins count as monitor, all else as default") {
    CHECK(proto::opaque_category(cron) == Category::monitor);
    for (const auto kind : {store, otlp, vercel, minidump, unreal, attachments, security, other}) {
      CHECK(proto::opaque_category(kind) == Category::default_);
    }
  }

  TEST_CASE("each sender is told what upstream would have told it") {
    struct Row {
      EndpointKind kind;
      std::string_view request_type;
      unsigned status;
      std::string_view body, content_type;
    };

    const std::vector<Row> rows{
        {envelope, "", 200, "{}", "application/json"},
        {tunnel, "", 200, "{}", "application/json"},
        {store, "application/json", 200, R"({"id":"0123456789ab4defbedcba9876543210"})",
         "application/json"},
        {cron, "", 202, "", ""},
        {cron, "application/json", 202, "", ""},
        {otlp, "application/json", 200, "{}", "application/json"},
        {otlp, "application/x-protobuf", 200, "", "application/x-protobuf"},
        {otlp, "application/x-protobuf; charset=x", 200, "", "application/x-protobuf"},
        {otlp, "", 200, "{}", "application/json"},
        {vercel, "application/json", 202, "", ""},
        {minidump, "multipart/form-data", 200, "01234567-89ab-4def-bedc-ba9876543210",
         "text/plain"},
        {unreal, "", 200, "01234567-89ab-4def-bedc-ba9876543210", "text/plain"},
        {attachments, "multipart/form-data", 201, "", ""},
        {security, "application/csp-report", 200, "", ""},
        {other, "x/y", 200, "{}", "application/json"},
    };
    for (const auto& row : rows) {
      CAPTURE(static_cast<int>(row.kind));
      const auto answer = proto::success_answer(row.kind, row.request_type, kRandom);
      CHECK(answer.status == row.status);
      CHECK(answer.body == row.body);
      CHECK(answer.content_type == row.content_type);
    }
    CHECK(proto::success_answer(unreal, "", {0, 0}).body == "00000000-0000-4000-8000-000000000000");
    CHECK(proto::success_answer(unreal, "", {~std::uint64_t{0}, ~std::uint64_t{0}}).body ==
          "ffffffff-ffff-4fff-bfff-ffffffffffff");
  }

  TEST_CASE("what is forwarded has one auth, in a header unless the query would be a second") {
    struct Row {
      std::string path, query, target;
      AuthPlace auth;
    };

    const std::string key = "sentry_key=" + kKey + "&sentry_version=7&sentry_client=a.b%2F1%20%26";
    const std::vector<Row> rows{
        {"store/", "", "/api/42/store/", AuthPlace::header},
        {"cron/a/", "status=ok&x=%2F", "/api/42/cron/a/?status=ok&x=%2F", AuthPlace::header},
        {"security/", "sentry_release=1%2B&a",
         "/api/42/security/?" + key + "&sentry_release=1%2B&a", AuthPlace::query},
        {"x", "a=my_sentry_thing", "/api/42/x?" + key + "&a=my_sentry_thing", AuthPlace::query},
        {"cron/a/" + kKey + "/", "status=ok", "/api/42/cron/a/" + kKey + "/?status=ok",
         AuthPlace::path},
        {"unreal/" + kKey + "/", "", "/api/42/unreal/" + kKey + "/", AuthPlace::path},
    };
    for (const auto& row : rows) {
      CAPTURE(row.path);
      const auto composed = proto::compose_target(dsn(), row.path, row.query, "a.b/1 &");
      CHECK(composed.target == row.target);
      CHECK(composed.auth == row.auth);
    }
    CHECK(proto::compose_target(dsn("/relay/x"), "store/", "", "").target ==
          "/relay/x/api/42/store/");
    CHECK(proto::compose_target(dsn(), "x", "sentry_a", "").target ==
          "/api/42/x?sentry_key=" + kKey + "&sentry_version=7&sentry_a");
  }

  TEST_CASE("whatever place an accepted request's auth came from, upstream finds just one") {
    struct Row {
      std::string path, query, header;
    };

    for (const auto& row : std::vector<Row>{
             {"cron/a/" + kKey, "status=ok", ""},
             {"cron/a/", "status=ok&sentry_key=" + kKey, ""},
             {"security/", "sentry_key=" + kKey + "&sentry_release=1", ""},
             {"security/", "a=1", "Sentry sentry_key=" + kKey},
         }) {
      CAPTURE(row.path);
      CAPTURE(row.query);
      REQUIRE(
          proto::find_auth({row.header, {}, row.query, proto::key_in_path(row.path)}).has_value());
      const auto sent =
          proto::compose_target(dsn(), row.path, proto::strip_auth(row.query), "py/1");
      const auto question = sent.target.find('?');
      const std::string query =
          question == std::string::npos ? "" : sent.target.substr(question + 1);
      const std::string header = sent.auth == AuthPlace::header
                                     ? proto::to_header({.public_key = kKey, .client = ""})
                                     : "";
      const auto found = proto::find_auth({header, {}, query, proto::key_in_path(row.path)});
      REQUIRE(found.has_value());
      CHECK(found->public_key == kKey);
    }
  }
}
