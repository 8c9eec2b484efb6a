// What `thaw serve --capture` keeps, and how it is shown.
#include "relay/capture.hpp"

#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <doctest/doctest.h>

#include "relay/capture_json.hpp"
#include "relay/capture_page.hpp"
#include "relay/capture_upstream.hpp"
#include "tests/support/envelopes.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"

using relay::Capture;
using relay::CaptureSettings;

namespace {

const relay::WallTime kNow{std::chrono::milliseconds{1795611901000}};

std::string envelope(std::string_view type, std::string_view payload) {
  return "{\"event_id\":\"12345678901234567890123456789012\"}\n{\"type\":\"" + std::string(type) +
         "\",\"length\":" + std::to_string(payload.size()) + "}\n" + std::string(payload) + "\n";
}

void take(Capture& capture, std::string_view body, std::string_view target = "/api/42/envelope/") {
  relay::UpstreamRequest request;
  request.target = target;
  request.body = body;
  capture.take(request, kNow);
}

std::size_t memory_of(std::string_view body) {
  Capture capture({}, {});
  take(capture, body);
  return capture.kept().front().memory();
}

}  // namespace

TEST_SUITE_BEGIN("relay/capture");

TEST_CASE("an envelope is taken apart") {
  std::vector<std::uint64_t> came;
  Capture capture({}, [&](const relay::Captured& one) { came.push_back(one.id); });
  take(capture, envelope("event", R"({"message":"hello"})"));
  REQUIRE(capture.kept().size() == 1);
  const auto& one = capture.kept().front();
  CHECK(came == std::vector<std::uint64_t>{1});
  CHECK(one.project == 42);
  REQUIRE(one.items.size() == 1);
  CHECK(one.items[0].type == "event");
  CHECK(one.items[0].header == R"({"type":"event","length":19})");
  CHECK(one.items[0].payload == R"({"message":"hello"})");
  CHECK(one.items[0].lines.at(0).what == "hello");
  CHECK(capture.counts()[proto::Category::error] == 1);
}

TEST_CASE("what is no envelope is told by its path") {
  Capture capture({}, {});
  take(capture, "", "/api/42/cron/nightly/?status=ok");
  take(capture, R"({"message":"old"})", "/api/42/store/");
  take(capture, "\x01\x02", "/api/42/minidump/");
  const auto& kept = capture.kept();
  CHECK(kept[0].items.at(0).type == "check_in");
  CHECK(kept[0].items[0].lines.at(0).what == "cron/nightly/?status=ok");
  CHECK(kept[1].items.at(0).lines.at(0).what == "old");
  CHECK(kept[2].items.at(0).lines.at(0).what == "minidump/ (2 bytes)");
  CHECK(capture.counts()[proto::Category::monitor] == 1);
}

TEST_CASE("so many envelopes are kept: the last") {
  for (const std::size_t sent : {2U, 3U, 4U}) {
    CaptureSettings settings;
    settings.max_envelopes = 3;
    Capture capture(settings, {});
    for (std::size_t i = 0; i < sent; ++i) take(capture, envelope("event", "{}"));
    CHECK(capture.taken() == sent);
    CHECK(capture.kept().size() == std::min<std::size_t>(sent, 3));
    CHECK(capture.kept().back().id == sent);
    CHECK((capture.find(1) == nullptr) == (sent == 4));
    CHECK(capture.find(sent)->id == sent);
    CHECK(capture.find(sent + 1) == nullptr);
    CHECK(capture.find(0) == nullptr);
  }
}

TEST_CASE("so many bytes are kept; what is larger alone is told of, and not kept") {
  const std::string body = envelope("event", "{}");
  const std::size_t three = 3 * memory_of(body);
  for (const std::size_t bytes : {three - 1, three, three + 1}) {
    CaptureSettings settings;
    settings.max_bytes = bytes;
    std::size_t told = 0;
    Capture capture(settings, [&](const auto&) { ++told; });
    for (int i = 0; i < 3; ++i) take(capture, body);
    CHECK(capture.kept().size() == (bytes < three ? 2 : 3));
    take(capture, envelope("attachment", std::string(three + 1, 'x')));
    CHECK(capture.kept().empty());
    CHECK(told == 4);
    CHECK(capture.taken() == 4);
    take(capture, body);
    CHECK(capture.kept().size() == 1);
    CHECK(capture.find(5) != nullptr);
  }
}

TEST_CASE("types and categories name items") {
  Capture capture({}, {});
  take(capture, envelope("event", "{}"));
  const auto& item = capture.kept().front().items.front();
  for (const auto* words : {"", "event", "error", "transaction,error", "error,"}) {
    CHECK(relay::is_named(words, item));
  }
  for (const auto* words : {"transaction", "err", "errors,events", ","}) {
    CHECK_FALSE(relay::is_named(words, item));
  }
}

TEST_CASE("in Sentry's place it answers 200 and keeps what was sent") {
  relay::asio::io_context io;
  support::ManualClock clock(io.get_executor());
  Capture capture({}, {});
  relay::CaptureUpstream upstream(capture, clock);
  relay::UpstreamRequest request;
  const std::string body = envelope("event", "{}");
  request.target = "/api/42/envelope/";
  request.body = body;
  relay::SendProgress progress;
  const auto answer = support::run(io, upstream.send(request, progress));
  CHECK(answer->status == 200);
  CHECK(progress.fully_written);
  CHECK(capture.taken() == 1);
  CHECK(capture.kept().front().at == clock.wall_now());
}

TEST_CASE("an item on one line, whatever its payload") {
  Capture capture({}, {});
  take(capture, envelope("event", "{\n \"message\" : \"a\\nb\" }"));
  take(capture, envelope("attachment", "plain\ntext"));
  take(capture, envelope("attachment", "\xFF\x1B"));
  const auto line = [&](std::size_t i) {
    return relay::captured_item_json(capture.kept()[i], capture.kept()[i].items[0]);
  };
  CHECK(line(0) == R"({"id":1,"time":"2026-11-25T13:05:01.000000Z","project":42,"type":"event",)"
                   R"("category":"error","level":"error","what":"a\nb",)"
                   R"("header":{"type":"event","length":23},"payload":{"message":"a\nb"}})");
  CHECK(line(1).ends_with(R"("payload":"plain\ntext"})"));
  CHECK(line(2).ends_with(R"("bytes":2})"));
}

TEST_CASE("GET /captured lists the newest first, of a type where one is named") {
  Capture capture({}, {});
  take(capture, envelope("event", "{}"));
  take(capture, envelope("session", "{}"));
  const auto all = relay::captured_answer(capture, "/captured", "").body;
  CHECK(all.starts_with(R"({"captured":2,"kept":2,"envelopes":[{"id":2,)"));
  CHECK(all.find(R"("id":1)") != std::string::npos);
  const auto errors = relay::captured_answer(capture, "/captured", "type=error").body;
  CHECK(errors.find(R"("id":1)") != std::string::npos);
  CHECK(errors.find(R"("id":2)") == std::string::npos);
  CHECK(relay::captured_answer(capture, "/captured/", "type=log").body ==
        R"({"captured":2,"kept":2,"envelopes":[]})");
}

TEST_CASE("GET /captured/ID unfolds one, or says that it is gone") {
  Capture capture({}, {});
  take(capture, envelope("event", R"({"message":"hello"})"));
  const auto one = relay::captured_answer(capture, "/captured/1", "");
  CHECK(one.status == 200);
  CHECK(one.body.find("\n      \"payload\": {\n        \"message\": \"hello\"\n      }\n") !=
        std::string::npos);
  for (const auto* path : {"/captured/2", "/captured/0", "/captured/x", "/captured/1/",
                           "/capturedx", "/captured/99999999999999999999"}) {
    CHECK(relay::captured_answer(capture, path, "").status == 404);
  }
}

TEST_CASE("on the page foreign text is text") {
  Capture capture({}, {});
  CHECK(relay::captured_section(capture).find("<table>") == std::string::npos);
  take(capture, envelope("<b>\\u001b", "<i>"));
  take(capture, envelope("event", R"({"message":"</td><script>alert('x')</script>&\u001b"})"));
  const auto html = relay::captured_section(capture);
  for (const auto* forbidden : {"<script", "<b>", "<i>", "alert('"}) {
    CHECK(html.find(forbidden) == std::string::npos);
  }
  CHECK(html.find('\x1B') == std::string::npos);
  CHECK(html.find("&lt;/td&gt;&lt;script&gt;alert(&#39;x&#39;)") != std::string::npos);
  CHECK(html.find("href=\"/captured/2\"") < html.find("href=\"/captured/1\""));
}

TEST_CASE("the page shows the newest, up to so many") {
  for (const std::size_t sent :
       {relay::kCapturedOnPage - 1, relay::kCapturedOnPage, relay::kCapturedOnPage + 1}) {
    Capture capture({}, {});
    for (std::size_t i = 0; i < sent; ++i) take(capture, envelope("event", "{}"));
    const auto html = relay::captured_section(capture);
    const bool all = sent <= relay::kCapturedOnPage;
    CHECK((html.find("href=\"/captured/1\"") != std::string::npos) == all);
    CHECK(html.find("href=\"/captured/" + std::to_string(sent) + "\"") != std::string::npos);
  }
}

TEST_SUITE_END();
