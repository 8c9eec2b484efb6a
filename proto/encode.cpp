// The compressors. Level 1 for both: the function waits for nothing so much as for our CPU time.
#include <algorithm>
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
constexpr std::size_t kLittle = 256;

/// The unused end of `out`, which is doubled when there is little of it. `size` bytes are in use.
std::size_t ensure_room(Bytes& out, std::size_t size) {
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

}  // namespace

void Encoder::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

void Encoder::Free::operator()(z_stream_s* stream) const {
  deflateEnd(stream);
  delete stream;
}

void Encoder::begin(Encoding encoding, std::string_view head, std::string_view tail, Bytes& out) {
  encoding_ = encoding;
  head_ = head;
  tail_ = tail;
  if (encoding == Encoding::zstd) begin_zstd();
  if (encoding == Encoding::gzip) begin_gzip();
  // What is not written to takes no memory.
  out.reserve(out.size() + bound());
}

void Encoder::begin_zstd() {
  if (!zstd_) zstd_.reset(ZSTD_createCCtx());
  if (!zstd_) throw std::bad_alloc();
  must(ZSTD_CCtx_reset(zstd_.get(), ZSTD_reset_session_and_parameters));
  must(ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_compressionLevel, kFastest));
  must(ZSTD_CCtx_setPledgedSrcSize(zstd_.get(), head_.size() + tail_.size()));
}

void Encoder::begin_gzip() {
  constexpr int kGzipHeader = 16;
  constexpr int kDefaultMemory = 8;
  // Of a stream that is not begun the end is harmless.
  gzip_.reset(new z_stream{});
  if (deflateInit2(gzip_.get(), kFastest, Z_DEFLATED, MAX_WBITS + kGzipHeader, kDefaultMemory,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
}

/// How much the whole can become.
std::size_t Encoder::bound() const {
  const std::size_t size = head_.size() + tail_.size();
  switch (encoding_) {
    case Encoding::gzip:
      return deflateBound(gzip_.get(), size) + kLittle;
    case Encoding::zstd:
      return ZSTD_compressBound(size) + kLittle;
    default:
      return size;
  }
}

bool Encoder::step(std::size_t bytes, Bytes& out) {
  const auto head = head_.substr(0, bytes);
  const auto tail = tail_.substr(0, bytes - head.size());
  head_.remove_prefix(head.size());
  tail_.remove_prefix(tail.size());
  const bool last = head_.empty() && tail_.empty();
  if (!head.empty()) feed(head, false, out);
  if (last || !tail.empty()) feed(tail, last, out);
  return last;
}

void Encoder::feed(std::string_view text, bool last, Bytes& out) {
  switch (encoding_) {
    case Encoding::identity:
      out.append(text);
      return;
    case Encoding::gzip:
      return feed_gzip(text, last, out);
    case Encoding::zstd:
      return feed_zstd(text, last, out);
    case Encoding::deflate:
    case Encoding::br:
      break;
  }
  assert(false && "upstream never needs these");
}

void Encoder::feed_gzip(std::string_view text, bool last, Bytes& out) {
  std::size_t used = out.size();
  do {
    const auto part = text.substr(0, std::numeric_limits<uInt>::max());
    text.remove_prefix(part.size());
    gzip_->next_in = reinterpret_cast<Bytef*>(const_cast<char*>(part.data()));
    gzip_->avail_in = static_cast<uInt>(part.size());
    drain(*gzip_, last && text.empty() ? Z_FINISH : Z_NO_FLUSH, out, used);
  } while (!text.empty());
  out.resize(used);
  if (last) gzip_.reset();
}

void Encoder::feed_zstd(std::string_view text, bool last, Bytes& out) {
  std::size_t used = out.size();
  ZSTD_inBuffer in{text.data(), text.size(), 0};
  for (bool done = false; !done;) {
    const std::size_t room = ensure_room(out, used);
    ZSTD_outBuffer to{out.data() + used, room, 0};
    const std::size_t left =
        must(ZSTD_compressStream2(zstd_.get(), &to, &in, last ? ZSTD_e_end : ZSTD_e_continue));
    used += to.pos;
    done = last ? left == 0 : in.pos == in.size;
  }
  out.resize(used);
  if (last && ZSTD_sizeof_CCtx(zstd_.get()) > kKeptBytes) zstd_.reset();
}

void Encoder::encode(Encoding encoding, std::string_view head, std::string_view tail, Bytes& out) {
  begin(encoding, head, tail, out);
  static_cast<void>(step(head.size() + tail.size(), out));
}

void encode(Encoding encoding, std::string_view head, std::string_view tail, Bytes& out) {
  Encoder().encode(encoding, head, tail, out);
}

}  // namespace proto
