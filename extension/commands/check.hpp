// `thaw check`: what Thaw makes of its settings, and how far each upstream can be reached. By the
// relay's own parts, so that what it says is what the relay would meet. Beside a running Thaw it
// takes nothing away: no lock, no port but for an instant, no envelope.
#pragma once

#include <boost/asio/io_context.hpp>

#include "extension/settings.hpp"
#include "relay/clock.hpp"

namespace extension {

/// Prints one line a finding to standard output. 0: all is well, 1: something is not.
///
/// What it sends is a client report without an entry, twice: an envelope without items would be
/// answered before its key is looked at (getsentry/relay:
/// relay-server/src/endpoints/common.rs, handle_envelope), and of such a report nothing is kept
/// (relay-server/src/processing/client_reports/mod.rs). The second is for a Relay that met the key
/// with the first and answers before it knows it.
[[nodiscard]] int check(boost::asio::io_context& io, relay::Clock& clock,
                        const SettingsReading& reading);

}  // namespace extension
