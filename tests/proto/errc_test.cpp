#include "proto/errc.hpp"

#include <set>
#include <string>

#include <doctest/doctest.h>

using proto::Errc;

TEST_SUITE("proto/errc") {
  TEST_CASE("every code has a sentence of its own") {
    std::set<std::string> seen;
    const int last = static_cast<int>(Errc::event_unknown);
    for (int value = 1; value <= last; ++value) {
      const auto text = boost::system::error_code{value, proto::errc_category()}.message();
      CHECK(text != "unknown format error");
      CHECK_MESSAGE(seen.insert(text).second, text);
    }
    CHECK(proto::errc_category().message(last + 1) == "unknown format error");
    CHECK(proto::errc_category().message(0) == "unknown format error");
  }

  TEST_CASE("what SDKs may read has Relay's words") {
    const auto text = [](Errc e) { return proto::make_error_code(e).message(); };
    CHECK(text(Errc::auth_missing) == "missing authorization information");
    CHECK(text(Errc::auth_multiple) == "multiple authorization payloads detected");
    CHECK(text(Errc::auth_invalid) == "bad x-sentry-auth header");
    CHECK(text(Errc::auth_key) == "bad sentry DSN public key");
    CHECK(text(Errc::auth_envelope) == "bad envelope authentication header");
    CHECK(text(Errc::envelope_empty_body) == "empty request body");
    CHECK(text(Errc::envelope_missing_header) == "missing envelope header");
    CHECK(text(Errc::envelope_missing_newline) == "missing newline after header or payload");
    CHECK(text(Errc::envelope_invalid_header) == "invalid envelope header");
    CHECK(text(Errc::envelope_invalid_item) == "invalid item header");
    CHECK(text(Errc::envelope_unexpected_eof) == "unexpected end of file");
    CHECK(text(Errc::envelope_too_many_items) == "too many individual items");
    CHECK(text(Errc::envelope_internal_items) == "envelope contains internal items");
    CHECK(text(Errc::envelope_project_mismatch) ==
          "project id header mismatch between envelope and request");
    CHECK(text(Errc::envelope_key_mismatch) ==
          "public key header mismatch between envelope and request");
  }

  TEST_CASE("a code compares with the enumerator and carries the category's name") {
    const boost::system::error_code code = Errc::dsn_host;
    CHECK(code == Errc::dsn_host);
    CHECK(code != Errc::dsn_port);
    CHECK(std::string{code.category().name()} == "thaw.proto");
  }
}
