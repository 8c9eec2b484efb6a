#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "proto/encoder.hpp"
#include "tests/support/noise.hpp"

using proto::Bytes;
using proto::decode;
using proto::Encoding;
using support::noise;

namespace {

constexpr std::size_t kLimit = 1024UL * 1024;

std::string text_of(proto::Result<Bytes> bytes) { return std::string{bytes.value().view()}; }

}  // namespace

TEST_SUITE("proto/encode") {
  TEST_CASE("encoding makes one stream of head and tail, behind what is there") {
    const std::string tail = noise(50000) + std::string(50000, 'b');
    for (const auto encoding : {Encoding::identity, Encoding::gzip, Encoding::zstd}) {
      for (const auto& [head, rest] : {std::pair{std::string{"{}\n"}, tail},
                                       {std::string{}, tail},
                                       {tail, std::string{}},
                                       {std::string{}, std::string{}}}) {
        CAPTURE(proto::name(encoding));
        Bytes out = Bytes::copy_of("before");
        proto::encode(encoding, head, rest, out);
        REQUIRE(out.view().substr(0, 6) == "before");
        CHECK(text_of(decode(encoding, Bytes::copy_of(out.view().substr(6)), kLimit)) ==
              head + rest);
      }
    }
  }

  TEST_CASE("an encoder that is used again, behind a small body or a large one, starts afresh") {
    proto::Encoder encoder;
    const std::string large = noise(500'000);
    for (const auto encoding : {Encoding::zstd, Encoding::gzip, Encoding::zstd}) {
      for (const auto& body : {std::string(2000, 'a'), large, std::string{}, noise(3000)}) {
        Bytes out;
        encoder.encode(encoding, "{}\n", body, out);
        Bytes fresh;
        proto::encode(encoding, "{}\n", body, fresh);
        CHECK(out.size() == fresh.size());
        CHECK(text_of(decode(encoding, std::move(out), kLimit)) == "{}\n" + body);
      }
    }
  }

  TEST_CASE("encoded some at a time it is the same body, a step at most what it was told") {
    const std::string tail = noise(300'000) + std::string(300'000, 'b');
    for (const auto encoding : {Encoding::identity, Encoding::gzip, Encoding::zstd}) {
      for (const auto& [head, rest] : {std::pair{std::string{"{}\n"}, tail},
                                       {tail, std::string{"rest"}},
                                       {std::string{}, std::string{}}}) {
        for (const std::size_t slice : {1000UL, 128UL * 1024, 1'000'000UL}) {
          CAPTURE(proto::name(encoding));
          CAPTURE(slice);
          proto::Encoder encoder;
          Bytes out;
          encoder.begin(encoding, head, rest, out);
          const char* const place = out.data();
          std::size_t steps = 1;
          while (!encoder.step(slice, out)) ++steps;
          const std::size_t all = head.size() + rest.size();
          CHECK(steps == std::max<std::size_t>((all + slice - 1) / slice, 1));
          CHECK(out.data() == place);
          Bytes whole;
          proto::encode(encoding, head, rest, whole);
          if (encoding != Encoding::gzip) CHECK(out.view() == whole.view());
          CHECK(text_of(decode(encoding, std::move(out), kLimit)) == head + rest);
        }
      }
    }
  }

  TEST_CASE("what needs more room than was made takes it") {
    const std::string tail = noise(100'000);
    for (const auto encoding : {Encoding::gzip, Encoding::zstd}) {
      CAPTURE(proto::name(encoding));
      proto::Encoder encoder;
      Bytes room;
      encoder.begin(encoding, "{}\n", tail, room);
      Bytes out;
      while (!encoder.step(1000, out)) {
      }
      CHECK(text_of(decode(encoding, std::move(out), kLimit)) == "{}\n" + tail);
    }
  }

  TEST_CASE("a body that was begun and given up leaves nothing behind") {
    proto::Encoder encoder;
    const std::string large = noise(500'000);
    for (const auto given_up : {Encoding::zstd, Encoding::gzip, Encoding::identity}) {
      for (const auto encoding : {Encoding::zstd, Encoding::gzip, Encoding::identity}) {
        Bytes out;
        encoder.begin(given_up, "{}\n", large, out);
        REQUIRE_FALSE(encoder.step(200'000, out));
        Bytes next;
        encoder.encode(encoding, "{}\n", "next", next);
        CHECK(text_of(decode(encoding, std::move(next), kLimit)) == "{}\nnext");
      }
    }
  }

  TEST_CASE("two zstd frames behind each other are one body") {
    Bytes out;
    proto::encode(Encoding::zstd, "{}\n", "", out);
    proto::encode(Encoding::zstd, "", "items", out);
    CHECK(text_of(decode(Encoding::zstd, std::move(out), 100)) == "{}\nitems");
  }
}
