// One byte cuts the stream, the rest is requests one behind the other.
#include <string>

#include <boost/system/error_code.hpp>
#include <doctest/doctest.h>

#include "relay/request_reader.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/targets.hpp"

namespace {

using relay::RequestReader;

const relay::ListenerSettings kLimits{.max_header_bytes = 512, .max_body_bytes = 1000};

/// All that a reader makes of the first request of a stream.
struct Seen {
  boost::system::error_code failed;
  std::size_t used = 0;
  bool complete = false;
  bool keeps_alive = false;
  bool expects_continue = false;
  relay::RequestHeader header;
  std::string body;

  bool operator==(const Seen&) const = default;
};

Seen read(RequestReader& reader, std::string_view stream, unsigned seed) {
  reader.restart();
  Seen seen;
  std::string waiting;
  for (fuzz::Pieces pieces(stream, seed); !pieces.done() && !reader.complete();) {
    waiting += pieces.next();
    for (;;) {
      const std::size_t used = reader.take(waiting, seen.failed);
      CHECK(used <= waiting.size());
      waiting.erase(0, used);
      seen.used += used;
      if (seen.failed || reader.wanted_room() == 0) break;
      CHECK(reader.wanted_room() <= 2 * 16 * 1024);
      reader.give_room(reader.wanted_room());
    }
    seen.expects_continue = reader.take_expectation() || seen.expects_continue;
    if (seen.failed) break;
  }
  const auto& request = reader.request();
  if (request.header != nullptr) seen.header = *request.header;
  seen.complete = reader.complete();
  seen.keeps_alive = reader.keeps_alive();
  if (seen.complete) seen.body = request.body.view();
  return seen;
}

}  // namespace

// Whatever a reader has read before, it reads a request as one that has read none.
void fuzz::requests(std::string_view bytes) {
  Input input(bytes);
  const unsigned seed = input.byte();
  const auto stream = input.rest();
  RequestReader used(kLimits);
  for (const unsigned cuts : {0U, 0U, 0U, seed}) {
    for (auto rest = stream; !rest.empty();) {
      RequestReader fresh(kLimits);
      const Seen anew = read(fresh, rest, cuts);
      const Seen known = read(used, rest, cuts);
      CHECK(known == anew);
      CHECK(anew.body.size() <= kLimits.max_body_bytes);
      if (!anew.complete) break;
      rest.remove_prefix(anew.used);
    }
  }
}
