// `thaw serve`: the relay without Lambda. No freeze can come, so nothing is ever held.
#pragma once

#include <boost/asio/io_context.hpp>

#include "extension/relay_port.hpp"
#include "relay/clock.hpp"
#include "relay/log.hpp"

namespace extension {

/// Runs `io` until Ctrl-C or SIGTERM, then drains as an extension does at SIGTERM.
void serve(relay::asio::io_context& io, RelayPort& relay, relay::Clock& clock, relay::Log& log);

}  // namespace extension
