#include "proto/decoder.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <limits>
#include <new>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

namespace proto {
namespace {

uInt clamped(std::size_t size) {
  return static_cast<uInt>(std::min<std::size_t>(size, std::numeric_limits<uInt>::max()));
}

/// gzip (RFC 1952, any number of members) and deflate (RFC 1950, zlib-wrapped, one stream).
class ZlibDecoder final : public Decoder {
 public:
  explicit ZlibDecoder(bool gzip) : gzip_(gzip) {
    constexpr int kGzipHeader = 16;
    const int window = MAX_WBITS + (gzip ? kGzipHeader : 0);
    if (inflateInit2(&stream_, window) != Z_OK) throw std::bad_alloc();
  }

  ~ZlibDecoder() override { inflateEnd(&stream_); }

  Step step(std::string_view input, std::span<char> output) override {
    if (ended_ && !begin_next_member()) return {.state = State::corrupt};
    const uInt in = clamped(input.size());
    const uInt out = clamped(output.size());
    // zlib does not write to its input; its interface only predates const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = in;
    stream_.next_out = reinterpret_cast<Bytef*>(output.data());
    stream_.avail_out = out;
    const int code = inflate(&stream_, Z_NO_FLUSH);
    if (code == Z_MEM_ERROR) throw std::bad_alloc();
    ended_ = code == Z_STREAM_END;
    Step step{.consumed = in - stream_.avail_in, .produced = out - stream_.avail_out};
    if (ended_) {
      step.state = State::ended;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      step.state = State::corrupt;
    }
    return step;
  }

 private:
  [[nodiscard]] bool begin_next_member() { return gzip_ && inflateReset(&stream_) == Z_OK; }

  z_stream stream_{};
  bool gzip_;
  bool ended_ = false;
};

/// br (RFC 7932), one stream. Its window is at most 16 MiB by the format.
class BrotliDecoder final : public Decoder {
 public:
  BrotliDecoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (!state_) throw std::bad_alloc();
  }

  Step step(std::string_view input, std::span<char> output) override {
    if (BrotliDecoderIsFinished(state_.get())) return {.state = State::corrupt};
    std::size_t in = input.size();
    std::size_t out = output.size();
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(input.data());
    auto* next_out = reinterpret_cast<std::uint8_t*>(output.data());
    const auto code =
        BrotliDecoderDecompressStream(state_.get(), &in, &next_in, &out, &next_out, nullptr);
    Step step{.consumed = input.size() - in, .produced = output.size() - out};
    if (code == BROTLI_DECODER_RESULT_SUCCESS) step.state = State::ended;
    if (code == BROTLI_DECODER_RESULT_ERROR) step.state = State::corrupt;
    return step;
  }

 private:
  struct Destroy {
    void operator()(BrotliDecoderState* state) const { BrotliDecoderDestroyInstance(state); }
  };

  std::unique_ptr<BrotliDecoderState, Destroy> state_;
};

/// The exponent of the largest window a frame may ask for. Of a window only what was decoded is
/// touched, so the floor, the 8 MiB that RFC 8878 wants every decoder to take, costs a small limit
/// nothing.
int window_log(std::size_t limit) {
  constexpr int kEveryDecoder = 23;
  constexpr int kLargest = 27;
  return std::clamp(static_cast<int>(std::bit_width(limit)), kEveryDecoder, kLargest);
}

/// zstd (RFC 8878), any number of frames.
class ZstdDecoder final : public Decoder {
 public:
  explicit ZstdDecoder(std::size_t limit) : context_(ZSTD_createDCtx()) {
    if (!context_) throw std::bad_alloc();
    const auto set = ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log(limit));
    assert(!ZSTD_isError(set));
    static_cast<void>(set);
  }

  Step step(std::string_view input, std::span<char> output) override {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer out{output.data(), output.size(), 0};
    const std::size_t hint = ZSTD_decompressStream(context_.get(), &out, &in);
    Step step{.consumed = in.pos, .produced = out.pos};
    if (ZSTD_isError(hint)) {
      step.state = failure(ZSTD_getErrorCode(hint));
    } else if (hint == 0) {
      step.state = State::ended;
    }
    return step;
  }

 private:
  struct Destroy {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };

  static State failure(ZSTD_ErrorCode code) {
    if (code == ZSTD_error_memory_allocation) throw std::bad_alloc();
    const bool window = code == ZSTD_error_frameParameter_windowTooLarge;
    return window ? State::too_large : State::corrupt;
  }

  std::unique_ptr<ZSTD_DCtx, Destroy> context_;
};

}  // namespace

std::unique_ptr<Decoder> make_decoder(Encoding encoding, std::size_t limit) {
  switch (encoding) {
    case Encoding::gzip:
      return std::make_unique<ZlibDecoder>(true);
    case Encoding::deflate:
      return std::make_unique<ZlibDecoder>(false);
    case Encoding::br:
      return std::make_unique<BrotliDecoder>();
    case Encoding::zstd:
      return std::make_unique<ZstdDecoder>(limit);
    case Encoding::identity:
      break;
  }
  assert(false && "identity has nothing to decode");
  return nullptr;
}

}  // namespace proto
