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
  unsigned status = 0;           ///< from the end of the header on, also where the body fails
};

/// Everything up to the end of the answer, or of the stream.
[[nodiscard]] inline ReadAnswer read_answer(std::string_view stream, unsigned seed, bool tunnel) {
  relay::HttpAnswer answer(tunnel);
  const auto status = [&answer] { return answer.has_status() ? answer.answer().status : 0; };
  for (Pieces pieces(stream, seed); !pieces.done() && !answer.complete();) {
    auto piece = pieces.next();
    while (!piece.empty() && !answer.complete()) {
      const auto copied = boost::asio::buffer_copy(answer.room(), boost::asio::buffer(piece));
      REQUIRE(copied > 0);
      if (const auto failed = answer.came(copied)) return {failed, {}, status()};
      piece.remove_prefix(copied);
    }
  }
  if (!answer.complete()) {
    if (const auto failed = answer.ended()) return {failed, {}, status()};
  }
  return {{}, answer.answer(), status()};
}

}  // namespace fuzz
