// `thaw serve --capture` on the terminal.
#include "extension/commands/capture.hpp"

#include <string>

#include <doctest/doctest.h>

using extension::captured_text;
using extension::CaptureOptions;

namespace {

const relay::WallTime kNow{std::chrono::milliseconds{1795611901000}};

void take(relay::Capture& capture, std::string_view items) {
  const std::string body = "{}\n" + std::string(items);
  relay::UpstreamRequest request;
  request.target = "/api/42/envelope/";
  request.body = body;
  capture.take(request, kNow);
}

constexpr std::string_view kTwo =
    "{\"type\":\"event\"}\n{\"message\":\"hello\"}\n"
    "{\"type\":\"log\"}\n{\"items\":[{\"level\":\"info\",\"body\":\"a\"},{\"body\":\"b\"}]}\n";

std::string shown(std::string_view items, const CaptureOptions& options = {}) {
  relay::Capture capture({}, {});
  take(capture, items);
  return captured_text(capture.kept().front(), options);
}

}  // namespace

TEST_SUITE_BEGIN("extension/capture");

TEST_CASE("a line for each item, and for each entry of a container") {
  CHECK(shown(kTwo) ==
        "13:05:01  #1    event          error   hello\n"
        "13:05:01  #1    log            info    a\n"
        "13:05:01  #1    log                    b\n");
}

TEST_CASE("what is left out is left out whole") {
  CHECK(shown(kTwo, {false, "error"}) == "13:05:01  #1    event          error   hello\n");
  CHECK(shown(kTwo, {false, "transaction"}).empty());
  CHECK(shown(kTwo, {true, "log"}).starts_with("{\"id\":1,"));
}

TEST_CASE("no control character of an event reaches the terminal") {
  const std::string hostile =
      "{\"type\":\"x\\u001b]0;y\\u0007\"}\n\xC2\x9B\x1B[2J\x07\n"
      "{\"type\":\"event\"}\n{\"level\":\"\\u001b\",\"message\":\"\\u001b["
      "31m\\u009b2J\\u202e\\r\\n\"}\n"
      "{\"type\":\"event\"}\n{\"message\":\"\xC2\x9B\x7F\"}\n";
  for (const bool json : {false, true}) {
    const auto text = shown(hostile, {json, ""});
    CHECK(!text.empty());
    CHECK(text.find("\xC2\x9B") == std::string::npos);
    CHECK(text.find("\u202E") == std::string::npos);
    for (const char c : text) {
      CHECK((c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F)));
    }
  }
}

TEST_CASE("only types and categories that there are can be asked for") {
  for (const auto* words :
       {"error", "event", "transaction,log", "log_item,check_in", "client_report"}) {
    CHECK(extension::check_only(words).empty());
  }
  for (const auto* words : {"eror", "error,evnt", "error, log", ","}) {
    CHECK(!extension::check_only(words).empty());
  }
}

TEST_CASE("the end says how many of what") {
  relay::Capture capture({}, {});
  CHECK(extension::captured_summary(capture) == "captured 0 envelopes");
  take(capture, kTwo);
  CHECK(extension::captured_summary(capture) == "captured 1 envelope: 1 error, 1 log_item");
}

TEST_SUITE_END();
