// One byte cuts the stream, one says how things are (a bit each), the rest is what a client sends.
#include <charconv>

#include <doctest/doctest.h>

#include "tests/fuzz/input.hpp"
#include "tests/fuzz/scene.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/memory_journal.hpp"

namespace {

using relay::milliseconds;

enum Mood : unsigned {
  small_limits = 1,
  half_closes = 2,  ///< the client says that it has said all
  leaves = 4,       ///< it resets the connection at the end
  checks_origins = 8,
  disabled = 16,
  no_disk = 32,
};

relay::Settings settings_for(unsigned mood) {
  relay::Settings settings;
  if ((mood & small_limits) != 0) {
    settings.listener.max_header_bytes = 512;
    settings.listener.max_body_bytes = 256;
    settings.intake.max_decoded_bytes = 512;
  }
  settings.origins.checked = (mood & checks_origins) != 0;
  settings.intake.disabled = (mood & disabled) != 0;
  return settings;
}

/// Takes a whole answer off the front; its status, or 0 where there is none.
unsigned take_answer(std::string_view& stream) {
  constexpr std::string_view kBegin = "HTTP/1.1 ";
  const auto head_end = stream.find("\r\n\r\n");
  if (!stream.starts_with(kBegin) || head_end == std::string_view::npos) return 0;
  unsigned status = 0;
  std::from_chars(stream.data() + kBegin.size(), stream.data() + kBegin.size() + 3, status);
  const auto head = stream.substr(0, head_end);
  stream.remove_prefix(head_end + 4);
  if (status == 100) return status;
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const auto length_at = head.find(kLength);
  REQUIRE(length_at != std::string_view::npos);
  std::size_t length = 0;
  std::from_chars(head.data() + length_at + kLength.size(), head.data() + head.size(), length);
  if (length > stream.size()) return 0;
  stream.remove_prefix(length);
  return status;
}

/// The bytes are whole answers and nothing else, with statuses that we have a reason for.
void check_answers(std::string_view stream) {
  while (!stream.empty()) {
    const unsigned status = take_answer(stream);
    REQUIRE(status != 0);
    CHECK((status / 100 == 2 || status / 100 == 4 || status == 100 || status == 500));
  }
}

void speak(fuzz::Scene& scene, support::LocalClient& client, fuzz::Pieces pieces) {
  while (!pieces.done()) {
    client.send(pieces.next());
    support::settle(scene.io);
  }
}

/// Whoever has begun a request and does not end it is let go, in awake time that is bounded.
void wait_for_the_slow(fuzz::Scene& scene) {
  constexpr int kSweeps = 50;
  for (int i = 0; i < kSweeps && scene.relay.work().receiving > 0; ++i) {
    scene.advance(milliseconds{250});
  }
  CHECK(scene.relay.work().receiving == 0);
}

}  // namespace

void fuzz::listener(std::string_view bytes) {
  Input input(bytes);
  const unsigned seed = input.byte();
  const unsigned mood = input.byte();
  support::MemoryJournal journal;
  journal.broken = (mood & no_disk) != 0;
  Scene scene(journal, settings_for(mood));
  REQUIRE(scene.relay.bind() != 0);
  support::LocalClient client(scene.io, scene.relay.port());
  support::settle(scene.io);
  speak(scene, client, Pieces(input.rest(), seed));
  if ((mood & half_closes) != 0) client.end_of_stream();
  if ((mood & leaves) != 0) client.reset();
  support::settle(scene.io);
  wait_for_the_slow(scene);
  if ((mood & leaves) == 0) check_answers(client.received());
  scene.check_sent();
  scene.check_honest_request((mood & disabled) == 0);
  scene.check_accounts();
  client.reset();
}
