// Asking the platform, and never giving up: an extension that ends, or stops asking, fails the
// function's invokes. Depends on the Extensions API client only, so that it goes on when everything
// else is broken.
#pragma once

#include <cstdint>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "extension/extensions_api.hpp"
#include "relay/clock.hpp"
#include "relay/log.hpp"

namespace extension {

/// What talking to the platform needs. Everything referred to outlives it.
struct Platform {
  ExtensionsApi& api;
  relay::Clock& clock;
  relay::Log& log;
  std::uint64_t& retries;                       ///< counts calls that had to be made again
  Events events = Events::invoke_and_shutdown;  ///< to register for
};

struct Registered {
  Events events = Events::invoke_and_shutdown;
  proto::Registration registration;
};

/// Registers, however often that takes, and returns what was granted: SHUTDOWN only where INVOKE is
/// not wanted or not to be had. Throws nothing but its own cancellation.
[[nodiscard]] asio::awaitable<Registered> register_for_ever(Platform platform);

/// The next event, however often that takes. Throws nothing but its own cancellation.
[[nodiscard]] asio::awaitable<proto::LambdaEvent> next_event(Platform platform);

/// The worst case: registers if that has not been done and asks for events until SHUTDOWN comes.
[[nodiscard]] asio::awaitable<void> next_loop(Platform platform);

/// Runs `life` to its end. If it throws, that is logged and survived: the bare next_loop() takes
/// over. What a handler of others throws is logged only. Returns whether `life` itself ended well;
/// else its parts may still have tasks on `io` and must not be destroyed.
[[nodiscard]] bool hold_out(asio::io_context& io, asio::awaitable<void> life, Platform platform);

/// In a catch block: logs once that something unforeseen was survived; passes on a cancellation,
/// which is nothing unforeseen.
void survive(relay::Log& log);

}  // namespace extension
