#include "relay/http_answer.hpp"

#include <string>
#include <string_view>

#include <boost/asio/buffer.hpp>
#include <doctest/doctest.h>

#include "relay/errc.hpp"

namespace {

using boost::system::error_code;
using relay::Errc;
using relay::HttpAnswer;

/// Feeds `bytes` in pieces of at most `piece` bytes, as long as the answer wants more.
error_code feed(HttpAnswer& answer, std::string_view bytes, std::size_t piece = 4096) {
  while (!bytes.empty() && !answer.complete()) {
    const auto next = bytes.substr(0, piece);
    const std::size_t copied = boost::asio::buffer_copy(answer.room(), boost::asio::buffer(next));
    REQUIRE(copied > 0);
    if (const error_code failed = answer.came(copied)) return failed;
    bytes.remove_prefix(copied);
  }
  return {};
}

std::string header_of(std::size_t bytes) {
  std::string header = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: \r\n\r\n";
  header.insert(header.size() - 4, bytes - header.size(), 'x');
  return header;
}

}  // namespace

TEST_SUITE("relay/http_answer") {
  TEST_CASE("status and the two headers are kept, however the bytes are cut") {
    constexpr std::string_view kBytes =
        "HTTP/1.1 429 Too Many Requests\r\nX-Sentry-Rate-Limits: 60:error:key\r\n"
        "x-sentry-rate-limits: 1::organization\r\nRetry-After: 60\r\nContent-Length: 4\r\n\r\nbody";
    for (std::size_t piece = 1; piece <= kBytes.size(); ++piece) {
      CAPTURE(piece);
      HttpAnswer answer;
      REQUIRE_FALSE(feed(answer, kBytes, piece));
      REQUIRE(answer.complete());
      CHECK(answer.answer().status == 429);
      CHECK(answer.answer().rate_limits == "60:error:key,1::organization");
      CHECK(answer.answer().retry_after == "60");
      CHECK(answer.keeps_connection());
    }
  }

  TEST_CASE("a chunked body, with extension and trailer, is read to its end") {
    HttpAnswer answer;
    REQUIRE_FALSE(feed(answer,
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "4;a=b\r\nbody\r\n0\r\nX-Trailer: 1\r\n\r\n",
                       1));
    CHECK(answer.complete());
    CHECK(answer.keeps_connection());
  }

  TEST_CASE("a last chunk may come a byte at a time, and be the first") {
    for (const std::string_view body :
         {"0\r\n\r\n", "0\r\nX-Trailer: 1\r\n\r\n", "0;a=b\r\n\r\n"}) {
      for (std::size_t piece = 1; piece <= body.size(); ++piece) {
        CAPTURE(piece);
        HttpAnswer answer;
        REQUIRE_FALSE(feed(answer, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
        REQUIRE_FALSE(feed(answer, body, piece));
        CHECK(answer.complete());
        CHECK(answer.keeps_connection());
      }
    }
  }

  TEST_CASE("a body without length lasts until the peer closes") {
    HttpAnswer answer;
    REQUIRE_FALSE(feed(answer, "HTTP/1.1 200 OK\r\n\r\nsome body"));
    CHECK_FALSE(answer.complete());
    CHECK_FALSE(answer.ended());
    CHECK(answer.complete());
    CHECK_FALSE(answer.keeps_connection());
  }

  TEST_CASE("an answer of HTTP/1.0 is one, and the last on its connection") {
    for (const std::string_view length : {"Content-Length: 4\r\n", ""}) {
      CAPTURE(length);
      HttpAnswer answer;
      REQUIRE_FALSE(feed(answer, "HTTP/1.0 503 No\r\n" + std::string(length) + "\r\nbody"));
      if (length.empty()) CHECK_FALSE(answer.ended());
      REQUIRE(answer.complete());
      CHECK(answer.answer().status == 503);
      CHECK_FALSE(answer.keeps_connection());
    }
  }

  TEST_CASE("interim answers are skipped, eight and no more") {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    HttpAnswer answer;
    REQUIRE_FALSE(feed(answer, bytes + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    CHECK(answer.answer().status == 200);

    HttpAnswer ninth;
    CHECK(feed(ninth, bytes + "HTTP/1.1 103 Early Hints\r\n\r\n") == Errc::answer_malformed);
    HttpAnswer switching;
    CHECK(feed(switching, "HTTP/1.1 101 Switching Protocols\r\n\r\n") == Errc::answer_malformed);
  }

  TEST_CASE("what is not HTTP is malformed") {
    for (const char* bytes :
         {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "\x15\x03\x03\x01\x02\x02\x28\r\n\r\n",
          "HTTP/1.1 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
          "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
      CAPTURE(bytes);
      HttpAnswer answer;
      CHECK(feed(answer, bytes) == Errc::answer_malformed);
    }
  }

  TEST_CASE("an answer cut anywhere before its end is incomplete") {
    constexpr std::string_view kBytes = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody";
    for (std::size_t cut = 0; cut < kBytes.size(); ++cut) {
      CAPTURE(cut);
      HttpAnswer answer;
      REQUIRE_FALSE(feed(answer, kBytes.substr(0, cut)));
      CHECK(answer.ended() == Errc::answer_incomplete);
    }
  }

  TEST_CASE("a header may have 16 KiB and not a byte more") {
    for (const std::size_t bytes : {16UL * 1024 - 1, 16UL * 1024}) {
      HttpAnswer answer;
      CHECK_FALSE(feed(answer, header_of(bytes)));
      CHECK(answer.complete());
    }
    // However it is cut: no status is told by it either.
    for (const std::size_t piece : {100UL, 1000UL, 4096UL, 16UL * 1024, 20UL * 1024}) {
      CAPTURE(piece);
      for (const std::size_t more : {1UL, 9UL, 900UL}) {
        HttpAnswer long_line;
        CHECK(feed(long_line, header_of(16 * 1024 + more), piece) == Errc::answer_malformed);
        CHECK_FALSE(long_line.has_status());
      }
    }

    std::string many = "HTTP/1.1 200 OK\r\n";
    while (many.size() <= 16UL * 1024) many += "X: y\r\n";
    HttpAnswer short_lines;
    CHECK(feed(short_lines, many) == Errc::answer_malformed);
  }

  TEST_CASE("beyond a MiB of body the status is enough, and the connection is not kept") {
    const std::string header = "HTTP/1.1 200 OK\r\nContent-Length: 2097152\r\n\r\n";
    HttpAnswer answer;
    REQUIRE_FALSE(feed(answer, header + std::string(1024UL * 1024, 'x')));
    CHECK_FALSE(answer.complete());
    REQUIRE_FALSE(feed(answer, "x"));
    CHECK(answer.complete());
    CHECK(answer.answer().status == 200);
    CHECK_FALSE(answer.keeps_connection());
  }

  TEST_CASE("Connection: close, and bytes behind the answer, end the connection") {
    HttpAnswer closing;
    REQUIRE_FALSE(
        feed(closing, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    CHECK_FALSE(closing.keeps_connection());

    HttpAnswer followed;
    REQUIRE_FALSE(feed(followed, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1"));
    CHECK(followed.complete());
    CHECK_FALSE(followed.keeps_connection());
  }
}
