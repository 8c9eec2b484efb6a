#include "relay/wakeup.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace relay {

Wakeup::Wakeup(const asio::any_io_executor& executor)
    : never_(executor, asio::steady_timer::time_point::max()) {}

void Wakeup::notify() { never_.cancel(); }

asio::awaitable<void> Wakeup::wait() {
  boost::system::error_code woken;
  co_await never_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

asio::awaitable<void> Wakeup::wait_until(Clock& clock, SteadyTime deadline) {
  using asio::experimental::awaitable_operators::operator||;
  if (clock.now() >= deadline) co_return;
  co_await (wait() || clock.sleep_until(deadline));
}

}  // namespace relay
