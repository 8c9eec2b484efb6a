#include "tests/sandbox/condition.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace sandbox {
namespace {

class Enlisted {
 public:
  Enlisted(std::list<asio::steady_timer*>& list, asio::steady_timer& timer)
      : list_(list), place_(list.insert(list.end(), &timer)) {}

  ~Enlisted() { list_.erase(place_); }

  Enlisted(const Enlisted&) = delete;
  Enlisted& operator=(const Enlisted&) = delete;

 private:
  std::list<asio::steady_timer*>& list_;
  std::list<asio::steady_timer*>::iterator place_;
};

}  // namespace

void Condition::notify() {
  for (asio::steady_timer* waiter : waiters_) waiter->cancel();
}

asio::awaitable<void> Condition::wait_until(SteadyTime deadline) {
  asio::steady_timer timer(io_, deadline);
  const Enlisted enlisted(waiters_, timer);
  boost::system::error_code woken;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, woken));
}

asio::awaitable<void> sleep_for(asio::io_context& io, std::chrono::steady_clock::duration length) {
  asio::steady_timer timer(io, length);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace sandbox
