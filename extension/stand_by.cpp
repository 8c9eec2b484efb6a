#include "extension/stand_by.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <signal.h>

namespace extension {

asio::awaitable<void> stand_by(asio::io_context& io, Platform platform, RelayPort& relay) {
  using asio::experimental::awaitable_operators::operator||;
  asio::signal_set sigterm(io, SIGTERM);
  boost::system::error_code ignored;
  relay.bind();
  relay.start();
  co_await (next_loop(platform) ||
            sigterm.async_wait(asio::redirect_error(asio::use_awaitable, ignored)));
  if (relay.anything_to_say()) platform.log.summary(relay.stats_json());
  co_await relay.stop();
}

}  // namespace extension
