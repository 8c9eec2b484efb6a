// One byte says the encoding, one the limit (a power of two, or one less), the rest is the body.
#include <array>
#include <utility>

#include <doctest/doctest.h>

#include "proto/codec.hpp"
#include "proto/errc.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

using proto::Encoding;

std::size_t limit_of(unsigned byte) { return (std::size_t{1} << (byte / 2 % 18)) - byte % 2; }

proto::Bytes encoded(Encoding encoding, std::string_view text) {
  proto::Bytes body;
  proto::encode(encoding, text.substr(0, text.size() / 2), text.substr(text.size() / 2), body);
  return body;
}

/// What we encode is decoded to the same, within its size and not within a byte less.
void check_round_trip(std::string_view text) {
  for (const auto encoding : {Encoding::identity, Encoding::gzip, Encoding::zstd}) {
    const auto body = encoded(encoding, text);
    const auto again = proto::decode(encoding, proto::Bytes::copy_of(body.view()), text.size());
    const bool empty_identity = encoding == Encoding::identity && text.empty();
    if (!empty_identity) REQUIRE(again.has_value());
    if (again) CHECK(again->view() == text);
    if (text.empty()) continue;
    const auto cut = proto::decode(encoding, proto::Bytes::copy_of(body.view()), text.size() - 1);
    CHECK(cut.has_error());
    CHECK(cut.error() == proto::Errc::encoding_too_large);
  }
}

}  // namespace

void fuzz::codec(std::string_view bytes) {
  constexpr std::array kEncodings{Encoding::identity, Encoding::gzip, Encoding::deflate,
                                  Encoding::br, Encoding::zstd};
  Input input(bytes);
  const Encoding encoding = kEncodings[input.byte() % kEncodings.size()];
  const std::size_t limit = limit_of(input.byte());
  const auto body = input.rest();
  const auto decoded = proto::decode(encoding, proto::Bytes::copy_of(body), limit);
  if (!decoded) return;
  CHECK(decoded->size() <= limit);
  // A bomb takes no memory beyond the limit either; of an identity it is the body's own.
  if (encoding != Encoding::identity) CHECK(decoded->capacity() <= limit);
  check_round_trip(decoded->view());
}
