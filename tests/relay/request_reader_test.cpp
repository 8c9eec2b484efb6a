// A request out of bytes, however they are cut.
#include "relay/request_reader.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/beast/http/error.hpp>
#include <doctest/doctest.h>

using relay::RequestReader;

namespace {

const relay::ListenerSettings kLimits{.max_header_bytes = 1024, .max_body_bytes = 100'000};

/// Gives the reader what it wants until it wants more than there is; returns what is left.
std::string_view feed(RequestReader& reader, std::string_view text) {
  boost::system::error_code ec;
  for (;;) {
    text.remove_prefix(reader.take(text, ec));
    REQUIRE(!ec);
    if (reader.wanted_room() == 0) return text;
    reader.give_room(reader.wanted_room());
  }
}

/// The same where `step` bytes come at a time, behind what was not used before.
std::string read_in_steps(std::string_view text, std::size_t step) {
  RequestReader reader(kLimits);
  std::string waiting;
  while (!text.empty()) {
    CHECK(!reader.complete());
    waiting += text.substr(0, step);
    text.remove_prefix(std::min(step, text.size()));
    waiting = std::string(feed(reader, waiting));
  }
  REQUIRE(reader.complete());
  CHECK(waiting.empty());
  const auto& header = *reader.request().header;
  return header.method + " " + header.target + " " + header.user_agent + "\n" +
         std::string(reader.request().body.view());
}

/// All that becomes of a text, an error included.
std::string seen(RequestReader& reader, std::string_view text) {
  boost::system::error_code ec;
  for (;;) {
    text.remove_prefix(reader.take(text, ec));
    if (ec || reader.wanted_room() == 0) break;
    reader.give_room(reader.wanted_room());
  }
  const auto& header = *reader.request().header;
  const std::size_t missing = reader.rest_of_body().size();
  std::string_view body = reader.request().body.view();
  body.remove_suffix(missing);
  return ec.message() + "|" + header.method + " " + header.target + " " + header.user_agent + "|" +
         std::string(body) + "|" + std::to_string(missing) +
         (reader.complete() ? "|complete|" : "|cut|") +
         (reader.keeps_alive() ? "keep|" : "close|") +
         (reader.take_expectation() ? "continue|" : "") + std::string(text);
}

/// Lets it read the text until it knows its header.
void teach(RequestReader& reader, std::string_view text) {
  for (int times = 0; times < 2; ++times) {
    static_cast<void>(seen(reader, text));
    reader.restart();
  }
}

}  // namespace

TEST_SUITE_BEGIN("relay/request_reader");

TEST_CASE("a request is the same however its bytes are cut") {
  const std::string known =
      "POST /a HTTP/1.1\r\nUser-Agent: me\r\nContent-Length: 11\r\n\r\nhello world";
  const std::string chunked =
      "POST /a HTTP/1.1\r\nUser-Agent: me\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nUser-Agent: other\r\n\r\n";
  for (const auto& text : {known, chunked}) {
    for (std::size_t step = 1; step <= text.size(); ++step) {
      CHECK(read_in_steps(text, step) == "POST /a me\nhello world");
    }
  }
}

TEST_CASE("a chunked body may be empty, however its bytes are cut") {
  const std::string head =
      "POST /a HTTP/1.1\r\nUser-Agent: me\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view body : {"0\r\n\r\n", "0\r\nX: y\r\n\r\n", "0;a=b\r\n\r\n"}) {
    for (std::size_t step = 1; step <= head.size() + body.size(); ++step) {
      CHECK(read_in_steps(head + std::string(body), step) == "POST /a me\n");
    }
  }
}

TEST_CASE("what stands behind a request is the next one's") {
  const std::string one = "POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi";
  RequestReader reader(kLimits);
  CHECK(feed(reader, one + one) == one);
  CHECK(reader.complete());
  RequestReader bodiless(kLimits);
  CHECK(feed(bodiless, "GET / HTTP/1.1\r\n\r\n" + one) == one);
  CHECK(bodiless.complete());
}

TEST_CASE("a body of known length asks for its room once, and may be read straight into it") {
  RequestReader reader(kLimits);
  boost::system::error_code ec;
  const std::string_view text = "POST /a HTTP/1.1\r\nContent-Length: 5\r\n\r\nhe";
  const std::size_t header = reader.take(text, ec);
  CHECK(reader.wanted_room() == 5);
  CHECK(reader.rest_of_body().empty());
  reader.give_room(5);
  CHECK(feed(reader, text.substr(header)).empty());
  const auto place = reader.rest_of_body();
  REQUIRE(place.size() == 3);
  std::string_view("llo").copy(place.data(), 3);
  reader.filled(3);
  CHECK(reader.complete());
  CHECK(reader.request().body.view() == "hello");
}

TEST_CASE("a body of unknown length asks for room only when it has something to put there") {
  RequestReader reader(kLimits);
  CHECK(feed(reader, "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").empty());
  CHECK(reader.wanted_room() == 0);
  CHECK(reader.request().body.size() == 0);
  CHECK(feed(reader, "5\r\nhe").empty());
  CHECK(reader.request().body.size() == 16U * 1024);
  CHECK(feed(reader, "llo\r\n0\r\n\r\n").empty());
  CHECK(reader.request().body.view() == "hello");
}

TEST_CASE("of several headers of one name the first counts; several origins are none to go by") {
  RequestReader reader(kLimits);
  feed(reader,
       "POST /a HTTP/1.1\r\nx-sentry-auth: first\r\nX-Sentry-Auth: second\r\nX-Other: third\r\n"
       "Origin: http://a\r\nOrigin: http://b\r\n\r\n");
  CHECK(reader.request().header->x_sentry_auth == "first");
  CHECK(reader.request().header->origin == "null");
}

TEST_CASE("a reader that is used again knows nothing of the request before") {
  RequestReader reader(kLimits);
  feed(reader,
       "POST /a HTTP/1.1\r\nHost: h\r\nOrigin: http://a\r\nX-Sentry-Auth: Sentry sentry_key=k\r\n"
       "Authorization: Basic k\r\nContent-Type: text/plain\r\nContent-Encoding: gzip\r\n"
       "User-Agent: me\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: "
       "5\r\n\r\nhello");
  REQUIRE(reader.complete());
  reader.request().begun = relay::SteadyTime{};
  reader.request().body_bytes = 5;
  reader.restart();
  CHECK_FALSE(reader.complete());
  CHECK(reader.request().header == nullptr);
  feed(reader, "GET / HTTP/1.1\r\n\r\n");
  REQUIRE(reader.complete());
  CHECK(reader.keeps_alive());
  CHECK_FALSE(reader.take_expectation());
  const auto& request = reader.request();
  const auto& header = *request.header;
  CHECK(header.method == "GET");
  CHECK(header.target == "/");
  for (const auto& text :
       {header.host, header.origin, header.x_sentry_auth, header.authorization, header.content_type,
        header.content_encoding, header.user_agent, std::string(request.body.view())}) {
    CHECK(text.empty());
  }
  CHECK_FALSE(request.begun);
  CHECK(request.body_bytes == 0);
}

TEST_CASE("a header that comes again, but for the body's length, is read once") {
  RequestReader reader(kLimits);
  const std::string head = "POST /a HTTP/1.1\r\nContent-Length: ";
  feed(reader, head + "2\r\nUser-Agent: me\r\nConnection: close\r\n\r\nhi");
  const auto first = reader.request().header;
  reader.restart();
  feed(reader, head + "3\r\nUser-Agent: me\r\nConnection: close\r\n\r\nho!");
  for (const std::string length : {"5", "00005", "5"}) {
    reader.restart();
    CHECK(feed(reader, head + length + "\r\nUser-Agent: me\r\nConnection: close\r\n\r\nhello+") ==
          "+");
    CHECK(reader.complete());
    CHECK(reader.request().header == first);
    CHECK(reader.request().body.view() == "hello");
    CHECK_FALSE(reader.keeps_alive());
    CHECK_FALSE(reader.take_expectation());
  }
  reader.restart();
  feed(reader, head + "5\r\nUser-Agent: he\r\nConnection: klose\r\n\r\nhello");
  CHECK(reader.request().header != first);
  CHECK(reader.keeps_alive());
}

TEST_CASE("a header that says the same in other bytes, or of a chunked body, is shared, too") {
  RequestReader reader(kLimits);
  const auto read = [&](std::string_view fields) {
    reader.restart();
    feed(reader, "POST /a HTTP/1.1\r\n" + std::string(fields) + "\r\n");
    return reader.request().header;
  };
  const auto first = read("User-Agent: me\r\nTransfer-Encoding: chunked\r\n");
  CHECK(read("User-Agent: me\r\nTransfer-Encoding: chunked\r\n") == first);
  CHECK(read("User-Agent: me\r\nX-Trace: 1\r\nContent-Length: 5\r\n") == first);
  CHECK(read("User-Agent: you\r\nTransfer-Encoding: chunked\r\n") != first);
}

TEST_CASE("a known header that its length's digits make too long is refused as any") {
  const std::string head = "POST /a HTTP/1.1\r\nContent-Length: ";
  int refused = 0;
  for (std::size_t digits = 960; digits < 1020; ++digits) {
    CAPTURE(digits);
    const std::string text = head + std::string(digits, '0') + "5\r\n\r\nhello";
    RequestReader used(kLimits);
    teach(used, head + "2\r\n\r\nhi");
    RequestReader fresh(kLimits);
    const std::string as_any = seen(fresh, text);
    CHECK(seen(used, text) == as_any);
    if (!as_any.starts_with("Success")) ++refused;
  }
  CHECK(refused > 0);
  CHECK(refused < 60);
}

TEST_CASE("a request is the same, whichever other one was read before") {
  const std::string head = "POST /a HTTP/1.1\r\nUser-Agent: me\r\n";
  const std::string long_header = "X: " + std::string(900, 'x') + "\r\n";
  std::vector<std::string> texts;
  for (const std::string length : {"5",
                                   "05",
                                   "5 ",
                                   "7",
                                   "100000",
                                   "100001",
                                   "0",
                                   "",
                                   "+5",
                                   "-5",
                                   "5,5",
                                   "5, 6",
                                   "0x5",
                                   "99999999999999999999",
                                   "5\r\nContent-Length: 5",
                                   "5\r\nContent-Length: 6",
                                   "5\r\nContent-Length: 5\r\nContent-Length: 5",
                                   "5\r\n ",
                                   "\r\n 5",
                                   "5\r\nTransfer-Encoding: chunked",
                                   "5\r\nExpect: 100-continue"}) {
    for (const std::string more : {"", "Connection: close\r\n", long_header.c_str()}) {
      std::string text = head + "Content-Length: ";
      text.append(length).append("\r\n").append(more).append("\r\nhello world");
      texts.push_back(std::move(text));
    }
  }
  texts.push_back(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  texts.push_back(head + "\r\n");
  for (const auto& before : texts) {
    for (const auto& text : texts) {
      CAPTURE(before);
      CAPTURE(text);
      RequestReader used(kLimits);
      teach(used, before);
      RequestReader fresh(kLimits);
      CHECK(seen(used, text) == seen(fresh, text));
    }
  }
}

TEST_CASE("100 Continue is asked for once, behind the header") {
  RequestReader reader(kLimits);
  const std::string_view text =
      "POST /a HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n";
  const auto left = feed(reader, text.substr(0, text.size() - 2));
  CHECK(!reader.take_expectation());
  feed(reader, text.substr(text.size() - 2 - left.size()));
  CHECK(reader.take_expectation());
  CHECK(!reader.take_expectation());
}

TEST_CASE("a body beyond the limit is refused before it has room") {
  RequestReader reader(kLimits);
  boost::system::error_code ec;
  static_cast<void>(reader.take("POST /a HTTP/1.1\r\nContent-Length: 100001\r\n\r\n", ec));
  CHECK(ec == boost::beast::http::error::body_limit);
  CHECK(reader.request().header->target == "/a");
}

TEST_SUITE_END();
