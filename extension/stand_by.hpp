// The life with THAW_DISABLED, the kill switch: a port whose relay drops everything, and the
// platform's next. No file, no telemetry, no connection but to the Extensions API.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "extension/next_loop.hpp"
#include "extension/relay_port.hpp"

namespace extension {

/// What the log says of it, once.
inline constexpr auto kDisabledText =
    "THAW_DISABLED is set: nothing is sent to Sentry; what SDKs post here is dropped, counted as "
    "disabled. Remove it to switch Thaw on again.";

/// Returns when SHUTDOWN or SIGTERM has come and the relay is stopped. The relay's gate stays
/// closed. No ready file is written, so that thaw-exec leaves SENTRY_DSN alone whatever it knows of
/// the switch.
[[nodiscard]] asio::awaitable<void> stand_by(asio::io_context& io, Platform platform,
                                             RelayPort& relay);

}  // namespace extension
