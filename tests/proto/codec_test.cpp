#include "proto/codec.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <brotli/encode.h>
#include <doctest/doctest.h>
#include <zlib.h>
#include <zstd.h>

#include "proto/decoding.hpp"
#include "proto/errc.hpp"
#include "tests/support/noise.hpp"

using proto::Bytes;
using proto::decode;
using proto::Encoding;
using proto::Errc;
using support::noise;

namespace {

constexpr std::size_t kMiB = 1024UL * 1024;
constexpr std::array kCompressed{Encoding::gzip, Encoding::deflate, Encoding::br, Encoding::zstd};

/// One stream of zlib's: 15 zlib-wrapped, 31 gzip, -15 raw.
std::string zlib_stream(std::string_view text, int window) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string brotli_stream(std::string_view text) {
  std::size_t size = BrotliEncoderMaxCompressedSize(text.size()) + 64;
  std::string out(size, '\0');
  REQUIRE(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, text.size(),
                                reinterpret_cast<const std::uint8_t*>(text.data()), &size,
                                reinterpret_cast<std::uint8_t*>(out.data())) == BROTLI_TRUE);
  out.resize(size);
  return out;
}

std::string zstd_frame(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  const auto size = ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3);
  REQUIRE_FALSE(ZSTD_isError(size));
  out.resize(size);
  return out;
}

/// A frame as a streaming peer makes it: no content size, a window of 2^`window_log`, a checksum.
std::string zstd_streamed(std::string_view text, int window_log) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
  std::string out(ZSTD_compressBound(text.size()) + 64, '\0');
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  ZSTD_outBuffer to{out.data(), out.size(), 0};
  ZSTD_compressStream2(context, &to, &in, ZSTD_e_continue);
  REQUIRE(ZSTD_compressStream2(context, &to, &in, ZSTD_e_end) == 0);
  ZSTD_freeCCtx(context);
  out.resize(to.pos);
  return out;
}

std::string compressed(Encoding encoding, std::string_view text) {
  switch (encoding) {
    case Encoding::gzip:
      return zlib_stream(text, 15 + 16);
    case Encoding::deflate:
      return zlib_stream(text, 15);
    case Encoding::br:
      return brotli_stream(text);
    case Encoding::zstd:
      return zstd_frame(text);
    case Encoding::identity:
      break;
  }
  return std::string{text};
}

proto::Result<Bytes> decoded(Encoding encoding, std::string_view body,
                             std::size_t limit = 64 * kMiB) {
  return decode(encoding, Bytes::copy_of(body), limit);
}

std::string text_of(proto::Result<Bytes> bytes) { return std::string{bytes.value().view()}; }

}  // namespace

TEST_SUITE("proto/codec") {
  TEST_CASE("names are read in any case, no name is identity") {
    using proto::encoding_of_name;
    CHECK(encoding_of_name("").value() == Encoding::identity);
    CHECK(encoding_of_name("identity").value() == Encoding::identity);
    CHECK(encoding_of_name("UTF-8").value() == Encoding::identity);
    CHECK(encoding_of_name("gzip").value() == Encoding::gzip);
    CHECK(encoding_of_name("X-GZip").value() == Encoding::gzip);
    CHECK(encoding_of_name("Deflate").value() == Encoding::deflate);
    CHECK(encoding_of_name("BR").value() == Encoding::br);
    CHECK(encoding_of_name("zstd").value() == Encoding::zstd);
    for (const std::string name : {"gzip, gzip", "gzip,", "compress", "zlib", "*", "gzi"}) {
      CAPTURE(name);
      CHECK(encoding_of_name(name).error() == Errc::encoding_unknown);
    }
    for (const auto encoding : kCompressed) {
      CHECK(encoding_of_name(proto::name(encoding)).value() == encoding);
    }
    CHECK(proto::name(Encoding::identity) == "identity");
  }

  TEST_CASE("what was compressed comes back, small, large and empty") {
    for (const auto& text :
         {std::string{}, std::string{"{}\n"}, std::string(300000, 'a'), noise(300000)}) {
      for (const auto encoding : kCompressed) {
        CAPTURE(proto::name(encoding));
        CAPTURE(text.size());
        CHECK(text_of(decoded(encoding, compressed(encoding, text))) == text);
      }
    }
  }

  TEST_CASE("identity passes the same block on") {
    Bytes body = Bytes::copy_of("{}\n");
    const char* block = body.data();
    CHECK(decode(Encoding::identity, std::move(body), 3).value().data() == block);
  }

  TEST_CASE("exactly the limit is taken, one byte more is not") {
    const std::string text = noise(10000) + std::string(10000, 'x');
    const std::size_t n = text.size();
    for (const auto encoding :
         {Encoding::identity, Encoding::gzip, Encoding::deflate, Encoding::br, Encoding::zstd}) {
      CAPTURE(proto::name(encoding));
      const std::string body = compressed(encoding, text);
      CHECK(text_of(decoded(encoding, body, n + 1)) == text);
      CHECK(text_of(decoded(encoding, body, n)) == text);
      CHECK(decoded(encoding, body, n).value().capacity() <= n);
      CHECK(decoded(encoding, body, n - 1).error() == Errc::encoding_too_large);
      CHECK(decoded(encoding, body, 0).error() == Errc::encoding_too_large);
      CHECK(text_of(decoded(encoding, compressed(encoding, "x"), 1)) == "x");
    }
    for (const auto encoding : kCompressed) {
      CHECK(decoded(encoding, compressed(encoding, ""), 0).value().empty());
    }
  }

  TEST_CASE("a bomb stops at the limit") {
    const std::string text(64 * kMiB, '\0');
    for (const auto encoding : kCompressed) {
      CAPTURE(proto::name(encoding));
      CHECK(decoded(encoding, compressed(encoding, text), kMiB).error() ==
            Errc::encoding_too_large);
      // Here a small rest is left of the limit behind the first block.
      CHECK(decoded(encoding, compressed(encoding, text.substr(0, kMiB)), 5000).error() ==
            Errc::encoding_too_large);
    }
  }

  TEST_CASE("every proper prefix of a stream is truncated") {
    const std::string text = "{}\n{\"type\":\"event\"}\n" + noise(100);
    for (const auto encoding : kCompressed) {
      CAPTURE(proto::name(encoding));
      const std::string body = compressed(encoding, text);
      for (std::size_t size = 0; size < body.size(); ++size) {
        CAPTURE(size);
        CHECK(decoded(encoding, body.substr(0, size)).error() == Errc::encoding_truncated);
      }
    }
  }

  TEST_CASE("a stream of something else is corrupt") {
    for (const auto encoding : kCompressed) {
      CAPTURE(proto::name(encoding));
      CHECK(decoded(encoding, "{\"event_id\":\"not compressed at all\"}").error() ==
            Errc::encoding_corrupt);
    }
    CHECK(decoded(Encoding::deflate, zlib_stream("raw", -15)).error() == Errc::encoding_corrupt);
    CHECK(decoded(Encoding::deflate, zlib_stream("gzip", 31)).error() == Errc::encoding_corrupt);
    CHECK(decoded(Encoding::gzip, zlib_stream("zlib", 15)).error() == Errc::encoding_corrupt);
  }

  TEST_CASE("a flipped checksum is corrupt") {
    std::string body = zlib_stream("hello", 31);
    body[body.size() - 5] = static_cast<char>(body[body.size() - 5] ^ 1);
    CHECK(decoded(Encoding::gzip, body).error() == Errc::encoding_corrupt);
    std::string frame = zstd_streamed("hello", 20);
    frame.back() = static_cast<char>(frame.back() ^ 1);
    CHECK(decoded(Encoding::zstd, frame).error() == Errc::encoding_corrupt);
  }

  TEST_CASE("all members and frames are decoded, and all count against the limit") {
    for (const auto encoding : {Encoding::gzip, Encoding::zstd}) {
      CAPTURE(proto::name(encoding));
      const std::string body =
          compressed(encoding, "{}\n") + compressed(encoding, "") + compressed(encoding, "abc");
      CHECK(text_of(decoded(encoding, body)) == "{}\nabc");
      CHECK(text_of(decoded(encoding, body, 6)) == "{}\nabc");
      CHECK(decoded(encoding, body, 5).error() == Errc::encoding_too_large);
      CHECK(decoded(encoding, body.substr(0, body.size() - 1)).error() == Errc::encoding_truncated);
    }
  }

  TEST_CASE("something behind the end that is no further stream is corrupt") {
    for (const auto encoding : kCompressed) {
      CAPTURE(proto::name(encoding));
      CHECK(decoded(encoding, compressed(encoding, "abc") + "\nrubbish").error() ==
            Errc::encoding_corrupt);
    }
    const std::string deflate = compressed(Encoding::deflate, "abc");
    CHECK(decoded(Encoding::deflate, deflate + deflate).error() == Errc::encoding_corrupt);
  }

  TEST_CASE("a zstd frame without content size is read; one with a huge window is too large") {
    const std::string text = noise(100);
    CHECK(text_of(decoded(Encoding::zstd, zstd_streamed(text, 21), 1000)) == text);
    CHECK(text_of(decoded(Encoding::zstd, zstd_streamed(text, 23), 1000)) == text);
    CHECK(decoded(Encoding::zstd, zstd_streamed(text, 24), 1000).error() ==
          Errc::encoding_too_large);
    CHECK(text_of(decoded(Encoding::zstd, zstd_streamed(text, 24), 8 * kMiB)) == text);
    CHECK(text_of(decoded(Encoding::zstd, zstd_streamed(text, 24), 1024 * kMiB)) == text);
  }

  TEST_CASE("in steps: none goes much further than it is told, and all come to the same") {
    const std::string text = noise(700'000) + std::string(700'000, 'a');
    for (const auto encoding : kCompressed) {
      for (const std::size_t each : {1000U, 100'000U, 256U * 1024U}) {
        CAPTURE(proto::name(encoding));
        CAPTURE(each);
        proto::Decoding decoding(encoding, Bytes::copy_of(compressed(encoding, text)), text.size());
        std::size_t steps = 1;
        auto done = decoding.step(each);
        for (; !done; ++steps) done = decoding.step(each);
        CHECK(text_of(std::move(*done)) == text);
        // Its blocks are not put together in one step either.
        CHECK(steps >= text.size() / each + text.size() / (256U * 1024U));
      }
    }
  }

  TEST_CASE("in steps: members without content are work, too") {
    std::string members;
    for (int i = 0; i < 1000; ++i) members += compressed(Encoding::gzip, "");
    proto::Decoding decoding(Encoding::gzip, Bytes::copy_of(members), 1000);
    CHECK_FALSE(decoding.step(members.size() / 2).has_value());
    CHECK(text_of(*decoding.step(members.size())).empty());
  }
}
