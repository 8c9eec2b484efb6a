// An upstream's answer without any network: what the bytes of a peer come to.
#pragma once

#include <string_view>

#include <boost/asio/buffer.hpp>
#include <doctest/doctest.h>

#include "relay/http_answer.hpp"
#include "tests/fuzz/input.hpp"

namespace fuzz {

struct ReadAnswer {
  boost::system::error_code failed;
  relay::UpstreamAnswer answer;  ///< unless it failed
};

/// Everything up to the end of the answer, or of the stream.
[[nodiscard]] inline ReadAnswer read_answer(std::string_view stream, unsigned seed, bool tunnel) {
  relay::HttpAnswer answer(tunnel);
  for (Pieces pieces(stream, seed); !pieces.done() && !answer.complete();) {
    auto piece = pieces.next();
    while (!piece.empty() && !answer.complete()) {
      const auto copied = boost::asio::buffer_copy(answer.room(), boost::asio::buffer(piece));
      REQUIRE(copied > 0);
      if (const auto failed = answer.came(copied)) return {failed, {}};
      piece.remove_prefix(copied);
    }
  }
  if (!answer.complete()) {
    if (const auto failed = answer.ended()) return {failed, {}};
  }
  return {{}, answer.answer()};
}

}  // namespace fuzz
