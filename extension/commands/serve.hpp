// `thaw serve`: the relay without Lambda. No freeze can come, so nothing is ever held.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "extension/relay_port.hpp"
#include "proto/dsn.hpp"
#include "relay/clock.hpp"
#include "relay/log.hpp"

namespace extension {

/// Lines of a kind of serving; either may be missing.
struct Sayings {
  std::function<std::string(std::uint16_t port)> at_start;
  std::function<std::string()> at_end;  ///< in the place of the counts
};

/// What a person gives to an SDK, its key left out: this may be a log.
[[nodiscard]] std::string serve_greeting(const std::vector<proto::Dsn>& configured,
                                         std::uint16_t port);

/// Runs `io` until Ctrl-C or SIGTERM, then drains as an extension does at SIGTERM.
void serve(relay::asio::io_context& io, RelayPort& relay, relay::Clock& clock, relay::Log& log,
           const Sayings& sayings = {});

}  // namespace extension
