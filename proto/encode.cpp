// The compressors. Level 1 for both: the function waits for nothing so much as for our CPU time.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>

#include <zlib.h>
#include <zstd.h>

#include "proto/encoder.hpp"

namespace proto {
namespace {

constexpr int kFastest = 1;
// What bodies up to some 50 KB need: more memory is not kept for the next one.
constexpr std::size_t kKeptBytes = 256UL * 1024;

/// The unused end of `out`, which is doubled when there is little of it. `size` bytes are in use.
std::size_t ensure_room(Bytes& out, std::size_t size) {
  constexpr std::size_t kLittle = 256;
  if (out.capacity() - size < kLittle) {
    out.resize(size);
    out.reserve(2 * size + 4 * kLittle);
  }
  return out.capacity() - size;
}

std::size_t must(std::size_t code) {
  if (ZSTD_isError(code)) throw std::bad_alloc();  // the only way these calls can fail
  return code;
}

struct GzipStream {
  GzipStream() {
    constexpr int kGzipHeader = 16;
    constexpr int kDefaultMemory = 8;
    if (deflateInit2(&stream, kFastest, Z_DEFLATED, MAX_WBITS + kGzipHeader, kDefaultMemory,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }

  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  ~GzipStream() { deflateEnd(&stream); }

  z_stream stream{};
};

/// Writes to `out`, of which `used` bytes are in use, until zlib has no more for this input.
void drain(z_stream& stream, int flush, Bytes& out, std::size_t& used) {
  for (;;) {
    const std::size_t room =
        std::min<std::size_t>(ensure_room(out, used), std::numeric_limits<uInt>::max());
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(room);
    const int code = deflate(&stream, flush);
    used += room - stream.avail_out;
    if (flush == Z_FINISH ? code == Z_STREAM_END : stream.avail_out > 0) return;
  }
}

void encode_gzip(std::string_view head, std::string_view tail, Bytes& out) {
  GzipStream gzip;
  std::size_t used = out.size();
  const auto feed = [&](std::string_view text) {
    while (!text.empty()) {
      const auto part = text.substr(0, std::numeric_limits<uInt>::max());
      gzip.stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
      gzip.stream.avail_in = static_cast<uInt>(part.size());
      drain(gzip.stream, Z_NO_FLUSH, out, used);
      text.remove_prefix(part.size());
    }
  };
  feed(head);
  feed(tail);
  drain(gzip.stream, Z_FINISH, out, used);
  out.resize(used);
}

}  // namespace

void Encoder::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

void Encoder::encode_zstd(std::string_view head, std::string_view tail, Bytes& out) {
  if (!zstd_) zstd_.reset(ZSTD_createCCtx());
  if (!zstd_) throw std::bad_alloc();
  must(ZSTD_CCtx_reset(zstd_.get(), ZSTD_reset_session_and_parameters));
  must(ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_compressionLevel, kFastest));
  must(ZSTD_CCtx_setPledgedSrcSize(zstd_.get(), head.size() + tail.size()));
  std::size_t used = out.size();
  const auto feed = [&](std::string_view text, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{text.data(), text.size(), 0};
    for (;;) {
      const std::size_t room = ensure_room(out, used);
      ZSTD_outBuffer to{out.data() + used, room, 0};
      const std::size_t left = must(ZSTD_compressStream2(zstd_.get(), &to, &in, directive));
      used += to.pos;
      if (directive == ZSTD_e_end ? left == 0 : in.pos == in.size) return;
    }
  };
  feed(head, ZSTD_e_continue);
  feed(tail, ZSTD_e_end);
  out.resize(used);
  if (ZSTD_sizeof_CCtx(zstd_.get()) > kKeptBytes) zstd_.reset();
}

void Encoder::encode(Encoding encoding, std::string_view head, std::string_view tail, Bytes& out) {
  switch (encoding) {
    case Encoding::identity:
      out.reserve(out.size() + head.size() + tail.size());
      out.append(head);
      out.append(tail);
      return;
    case Encoding::gzip:
      return encode_gzip(head, tail, out);
    case Encoding::zstd:
      return encode_zstd(head, tail, out);
    case Encoding::deflate:
    case Encoding::br:
      break;
  }
  assert(false && "upstream never needs these");
}

void encode(Encoding encoding, std::string_view head, std::string_view tail, Bytes& out) {
  Encoder().encode(encoding, head, tail, out);
}

}  // namespace proto
