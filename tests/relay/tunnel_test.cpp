#include "relay/tunnel.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "proto/errc.hpp"
#include "relay/refusal.hpp"

using proto::Errc;
using relay::Answer;
using relay::error_answer;
using relay::format_answer;
using relay::tunnel_answer;

TEST_SUITE_BEGIN("relay/tunnel");

TEST_CASE("every answer in the words of Sentry's extension, or with ours under its key") {
  struct Row {
    Answer ours;
    unsigned status;
    std::string body;
  };

  const std::string missing = R"({"error":"Invalid envelope: missing DSN"})";
  for (const auto& row : std::vector<Row>{
           {{200, R"({"id":"9ec79c33ec9942ab8353589fcb2e04dc"})"}, 200, "{}"},
           {{200, "{}"}, 200, "{}"},
           {format_answer(Errc::auth_envelope), 400, missing},
           {format_answer(Errc::envelope_empty_body), 400, missing},
           {format_answer(Errc::envelope_missing_header), 400, missing},
           {format_answer(Errc::envelope_invalid_dsn), 403, R"({"error":"Invalid DSN"})"},
           {error_answer(403, "set this or that"), 403, R"({"error":"DSN not allowed"})"},
           {format_answer(Errc::envelope_invalid_item), 400,
            R"({"error":"invalid event envelope","causes":["invalid item header"]})"},
           {format_answer(Errc::encoding_too_large), 413,
            R"({"error":"Failed to buffer the request body: length limit exceeded"})"},
           {format_answer(Errc::encoding_unknown), 415, R"({"error":"Unsupported Media Type"})"},
           {error_answer(503, "failed to queue envelope"), 503,
            R"({"error":"failed to queue envelope"})"},
       }) {
    CAPTURE(row.ours.body);
    const Answer answer = tunnel_answer(row.ours);
    CHECK(answer.status == row.status);
    CHECK(answer.body == row.body);
    CHECK(answer.content_type == "application/json");
  }
}

TEST_CASE("limits and encodings stay in the headers") {
  CHECK(
      tunnel_answer({200, "{}", "application/json", "X-Sentry-Rate-Limits: 60::key\r\n"}).headers ==
      "X-Sentry-Rate-Limits: 60::key\r\n");
  CHECK(tunnel_answer(format_answer(Errc::encoding_unknown)).headers ==
        "Accept-Encoding: zstd,gzip,deflate,br\r\n");
}

TEST_CASE("anything but a POST is not found") {
  CHECK(relay::tunnel_not_found().status == 404);
  CHECK(relay::tunnel_not_found().body == R"({"error":"Not found"})");
}

TEST_SUITE_END();
