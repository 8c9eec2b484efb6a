#include "proto/codec.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>

#include "proto/ascii.hpp"
#include "proto/decoder.hpp"
#include "proto/errc.hpp"

namespace proto {
namespace {

constexpr std::size_t kSmallestOutput = 4096;

/// The result as it grows: by doubling, up to the limit, and one byte beyond in a pocket of its
/// own, which tells a stream that ends at the limit from one that goes on.
class BoundedOutput {
 public:
  BoundedOutput(std::size_t limit, std::size_t expected) : limit_(limit) {
    out_.reserve(std::min(limit, std::max(expected, kSmallestOutput)));
  }

  /// Where the next bytes go; never empty.
  std::span<char> room() {
    if (used_ == limit_) return pocket_;
    if (used_ == out_.capacity()) {
      out_.resize(used_);
      out_.reserve(std::min(limit_, 2 * out_.capacity()));
    }
    return {out_.data() + used_, out_.capacity() - used_};
  }

  /// `count` bytes of the room are filled; false if that is more than the limit.
  [[nodiscard]] bool take(std::size_t count) {
    if (used_ == limit_) return count == 0;
    used_ += count;
    return true;
  }

  Bytes finish() && {
    out_.resize(used_);
    return std::move(out_);
  }

 private:
  Bytes out_;
  std::size_t limit_;
  std::size_t used_ = 0;
  std::array<char, 1> pocket_{};
};

/// Drives one decoder to the end of the body and of its stream.
Result<Bytes> run(Decoder& decoder, std::string_view input, std::size_t limit) {
  BoundedOutput output{limit, 4 * input.size()};
  for (;;) {
    const std::span<char> room = output.room();
    const Decoder::Step step = decoder.step(input, room);
    if (!output.take(step.produced)) return Errc::encoding_too_large;
    input.remove_prefix(step.consumed);
    switch (step.state) {
      case Decoder::State::corrupt:
        return Errc::encoding_corrupt;
      case Decoder::State::too_large:
        return Errc::encoding_too_large;
      case Decoder::State::ended:
        if (input.empty()) return std::move(output).finish();
        break;
      case Decoder::State::more:
        // It has all there is, and room to spare: it waits for bytes that do not come.
        if (input.empty() && step.produced < room.size()) return Errc::encoding_truncated;
        break;
    }
  }
}

std::string lower_word(std::string_view text) {
  std::string result{text};
  std::ranges::transform(result, result.begin(), [](char c) { return lower(c); });
  return result;
}

}  // namespace

Result<Encoding> encoding_of_name(std::string_view name) {
  const std::string word = lower_word(name);
  // Ruby's SDK sends the header with an empty value, old ones of JavaScript's UTF-8.
  if (word.empty() || word == "identity" || word == "utf-8") return Encoding::identity;
  if (word == "gzip" || word == "x-gzip") return Encoding::gzip;
  if (word == "deflate") return Encoding::deflate;
  if (word == "br") return Encoding::br;
  if (word == "zstd") return Encoding::zstd;
  return Errc::encoding_unknown;
}

std::string_view name(Encoding encoding) {
  switch (encoding) {
    case Encoding::identity:
      return "identity";
    case Encoding::gzip:
      return "gzip";
    case Encoding::deflate:
      return "deflate";
    case Encoding::br:
      return "br";
    case Encoding::zstd:
      return "zstd";
  }
  return "";
}

Result<Bytes> decode(Encoding encoding, Bytes body, std::size_t limit) {
  if (encoding == Encoding::identity) {
    if (body.size() > limit) return Errc::encoding_too_large;
    return body;
  }
  if (body.empty()) return Errc::encoding_truncated;
  const auto decoder = make_decoder(encoding, limit);
  return run(*decoder, body.view(), limit);
}

}  // namespace proto
