#include "tests/sandbox/capture.hpp"

#include <exception>
#include <string>
#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/local/connect_pair.hpp>

namespace sandbox {

using asio::ip::tcp;

Capture::Capture(asio::io_context& io, TaskGroup& tasks, Road& road, Recorder& recorder,
                 Faults faults, std::unique_ptr<asio::ssl::context> tls)
    : io_(io),
      tasks_(tasks),
      road_(road),
      recorder_(recorder),
      faults_(std::move(faults)),
      tls_(std::move(tls)),
      reserved_(io),
      connections_(io.get_executor(), [this](const std::exception_ptr& failure) {
        try {
          std::rethrow_exception(failure);
        } catch (const std::exception& error) {
          recorder_.problem(std::string("upstream connection: ") + error.what());
        }
      }) {
  if (!faults_.refuses_everything()) acceptor_.emplace(listen_on_loopback(io));
}

Capture::~Capture() = default;

std::uint16_t Capture::port() const {
  return acceptor_ ? acceptor_->local_endpoint().port() : reserved_.number();
}

void Capture::start() {
  if (!acceptor_) return;
  tasks_.spawn(accept_all(*acceptor_, [this](tcp::socket client) {
    const std::uint64_t number = ++recorder_.upstream.connections;
    if (faults_.refuses(number, recorder_.invokes.size())) return reset(client);
    connections_.spawn(connection(std::move(client), number));
  }));
}

asio::awaitable<void> Capture::connection(tcp::socket client, std::uint64_t number) {
  using asio::experimental::awaitable_operators::operator&&;
  asio::local::stream_protocol::socket near(io_), far(io_);
  asio::local::connect_pair(near, far);
  Lane lane;
  co_await (road_.carry(std::move(client), std::move(near), lane) &&
            serve_upstream(std::move(far), tls_.get(), lane, recorder_, faults_, number));
}

asio::awaitable<void> Capture::finish(SteadyTime deadline) {
  if (acceptor_) acceptor_->close();
  using asio::experimental::awaitable_operators::operator||;
  co_await (connections_.join() || sleep_for(io_, deadline - std::chrono::steady_clock::now()));
  connections_.stop();
  co_await connections_.join();
}

}  // namespace sandbox
