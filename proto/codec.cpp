#include "proto/codec.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "proto/ascii.hpp"
#include "proto/decoding.hpp"
#include "proto/errc.hpp"

namespace proto {
namespace {

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
  Decoding decoding(encoding, std::move(body), limit);
  for (;;) {
    if (auto done = decoding.step(std::numeric_limits<std::size_t>::max())) {
      return std::move(*done);
    }
  }
}

}  // namespace proto
