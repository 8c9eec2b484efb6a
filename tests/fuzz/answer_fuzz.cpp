// One byte cuts the stream, one says whether it answers a CONNECT (its lowest bit), the rest is
// what the peer sends before it closes.
#include <string>

#include <doctest/doctest.h>

#include "proto/rate_limits.hpp"
#include "relay/errc.hpp"
#include "relay/http_answer.hpp"
#include "tests/fuzz/answers.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/targets.hpp"

void fuzz::answer(std::string_view bytes) {
  Input input(bytes);
  const unsigned seed = input.byte();
  const bool tunnel = (input.byte() & 1U) != 0;
  const auto stream = input.rest();
  const ReadAnswer whole = read_answer(stream, 0, tunnel);
  const ReadAnswer cut = read_answer(stream, seed, tunnel);
  // However it is cut, it is the same answer, or none: a fault in front of the end of the stream is
  // found where the parser looks at the lines before that.
  CHECK(cut.failed.failed() == whole.failed.failed());
  CHECK(cut.answer.status == whole.answer.status);
  CHECK(cut.status == whole.status);
  CHECK(cut.answer.rate_limits == whole.answer.rate_limits);
  CHECK(cut.answer.retry_after == whole.answer.retry_after);
  CHECK(cut.answer.challenge == whole.answer.challenge);
  constexpr std::size_t kMostHeader = 16UL * 1024;
  CHECK(whole.answer.rate_limits.size() + whole.answer.retry_after.size() <= kMostHeader);
  if (whole.failed) {
    CHECK((whole.failed == relay::Errc::answer_malformed ||
           whole.failed == relay::Errc::answer_incomplete));
    return;
  }
  CHECK(whole.status == whole.answer.status);
  CHECK(whole.status / 100 != 1);
  proto::RateLimits limits;
  limits.learn(whole.answer.rate_limits, proto::WallTime{});
  limits.learn_bare_429(whole.answer.retry_after, proto::WallTime{});
  CHECK(is_one_line(whole.answer.rate_limits));
}
