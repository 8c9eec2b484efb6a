// One byte cuts the stream, one says how it ends (a bit each), the rest is what an upstream answers
// to the first request. The second one is answered honestly.
#include <doctest/doctest.h>

#include "relay/http_upstream.hpp"
#include "tests/fuzz/answers.hpp"
#include "tests/fuzz/input.hpp"
#include "tests/fuzz/peer.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/upstream_fixture.hpp"

namespace {

enum Mood : unsigned {
  hasty = 1,    ///< it answers before there is a request
  resets = 2,   ///< in the place of an orderly end
  patient = 4,  ///< it does not end at all
};

constexpr unsigned kNotReceived = 408;
constexpr std::string_view kEnd = "\r\n\r\nbody";

std::size_t requests_in(std::string_view received) {
  std::size_t count = 0;
  for (auto at = received.find(kEnd); at != std::string_view::npos;
       at = received.find(kEnd, at + 1))
    ++count;
  return count;
}

/// An answer that is not the honest one's, or none, never comes to another request.
void check_second(support::UpstreamFixture& fixture, const relay::Endpoint& endpoint,
                  fuzz::Peer& peer, fuzz::PeerConnection& first) {
  support::UpstreamFixture::Sending sending(fixture, endpoint);
  std::unique_ptr<fuzz::PeerConnection> other;
  fuzz::PeerConnection* asked = nullptr;
  support::until(fixture.io, [&] {
    if (!other) other = peer.try_accept();
    if (requests_in(first.received()) == 2) asked = &first;
    if (other && requests_in(other->received()) == 1) asked = other.get();
    return asked != nullptr;
  });
  CHECK(asked->send(fixture.io, "HTTP/1.1 299 Honest\r\nContent-Length: 0\r\n\r\n"));
  CHECK(sending.status() == 299);
  asked->reset();
}

}  // namespace

void fuzz::upstream(std::string_view bytes) {
  Input input(bytes);
  const unsigned seed = input.byte();
  const unsigned mood = input.byte();
  // What the kernel takes at once.
  const auto stream = input.take(64UL * 1024);
  support::UpstreamFixture fixture;
  Peer peer(fixture.io);
  const relay::Endpoint endpoint{false, "127.0.0.1", peer.port(), true};
  std::unique_ptr<PeerConnection> first;
  {
    support::UpstreamFixture::Sending sending(fixture, endpoint);
    first = peer.accept();
    if ((mood & hasty) == 0) {
      support::until(fixture.io, [&] { return requests_in(first->received()) == 1; });
    }
    first->send(fixture.io, Pieces(stream, seed));
    support::settle(fixture.io);
    const bool done = sending.done();
    if ((mood & patient) == 0) (mood & resets) != 0 ? first->reset() : first->end_of_stream();
    if ((mood & patient) != 0 && !done) {
      sending.cancel();
      CHECK(sending.cancelled());
    } else {
      const auto expected = read_answer(stream, 0, false);
      const unsigned status = sending.status();
      // What came before the request answers nothing; nor does who did not get it.
      const bool answered = expected.status != kNotReceived && requests_in(first->received()) == 1;
      if ((mood & resets) == 0) CHECK(status == (answered ? expected.status : 0));
      if (status != 0) CHECK(status == expected.status);
    }
  }
  support::settle(fixture.io);
  check_second(fixture, endpoint, peer, *first);
  first->reset();
}
