// The listener's ports and places: where it listens, and whom it lets go when all places are taken.
#include <algorithm>
#include <string>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "relay/listener.hpp"

namespace relay {

using boost::system::error_code;

namespace {

constexpr milliseconds kAcceptPause{100};  // after accept failed: out of descriptors, most likely

std::string another_port(std::uint16_t wanted, error_code why) {
  const std::string reason =
      why == asio::error::address_in_use ? " is taken" : " cannot be had (" + why.message() + ")";
  return "port " + std::to_string(wanted) + reason +
         ": listening on another one and trying again; set THAW_PORT";
}

std::string no_port(error_code why) {
  const std::string advice =
      why == asio::error::no_descriptors ? "; raise the limit of open files (ulimit -n)" : "";
  return "cannot listen on 127.0.0.1 (" + why.message() +
         "): accepting nothing for now and trying again" + advice;
}

}  // namespace

Listener::Listener(asio::any_io_executor executor, Clock& clock, Log& log,
                   ListenerSettings settings, Hooks hooks)
    : executor_(executor),
      clock_(clock),
      log_(log),
      settings_(settings),
      hooks_(std::move(hooks)),
      someone_receives_(executor),
      place_(executor),
      room_(executor, settings.max_receiving_bytes,
            settings.max_receiving_bytes / std::max<std::size_t>(settings.max_clients, 1)),
      tasks_(executor, hooks_.failed) {}

std::uint16_t Listener::bind() {
  const auto loopback = asio::ip::address_v4::loopback();
  if (const auto refused = listen({loopback, settings_.port})) {
    if (const auto failed = listen({loopback, 0})) {
      log_.once("no port", LogLevel::error, no_port(failed));
      return 0;
    }
    log_.once("port", LogLevel::warn, another_port(settings_.port, refused));
  }
  // Node resolves localhost to ::1 first; where there is no IPv6 loopback that is fine.
  static_cast<void>(listen({asio::ip::address_v6::loopback(), port_}));
  return port_;
}

void Listener::retry_bind() {
  if (port_ == 0) {
    bind();
    return;
  }
  if (settings_.port == 0 || port_ == settings_.port) return;
  if (!listen({asio::ip::address_v4::loopback(), settings_.port})) {
    static_cast<void>(listen({asio::ip::address_v6::loopback(), port_}));
  }
}

error_code Listener::listen(const tcp::endpoint& endpoint) {
  error_code ec;
  tcp::acceptor acceptor(executor_);
  acceptor.open(endpoint.protocol(), ec);
  if (ec) return ec;
  acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (endpoint.protocol() == tcp::v6()) acceptor.set_option(asio::ip::v6_only(true), ec);
  acceptor.bind(endpoint, ec);
  if (ec) return ec;
  acceptor.listen(tcp::acceptor::max_listen_connections, ec);
  if (ec) return ec;
  port_ = acceptor.local_endpoint(ec).port();
  acceptors_.push_back(std::move(acceptor));
  if (started_) spawn_accept(acceptors_.back());
  return {};
}

void Listener::start() {
  started_ = true;
  for (auto& acceptor : acceptors_) spawn_accept(acceptor);
  tasks_.spawn(keep_running(clock_, hooks_.failed, [this] { return sweep(); }));
}

void Listener::spawn_accept(tcp::acceptor& acceptor) {
  tasks_.spawn(keep_running(clock_, hooks_.failed, [this, &acceptor] { return accept(acceptor); }));
}

bool Listener::full() const {
  const auto open =
      std::ranges::count_if(clients_, [](const Client& client) { return client.socket.is_open(); });
  return static_cast<std::size_t>(open) >= settings_.max_clients;
}

void Listener::close() {
  error_code ec;
  for (auto& acceptor : acceptors_) acceptor.close(ec);
}

Listener::Clients::iterator Listener::longest_idle() {
  auto longest = clients_.end();
  for (auto client = clients_.begin(); client != clients_.end(); ++client) {
    if (client->receiving || !client->socket.is_open()) continue;
    // Its next request is here already: closed, it would lose it.
    error_code ec;
    if (client->socket.available(ec) > 0) continue;
    if (longest == clients_.end() || client->idle_since < longest->idle_since) longest = client;
  }
  return longest;
}

/// Where no descriptor is left accept(2) fails although nobody may wait to be let in.
asio::awaitable<void> Listener::make_place(tcp::acceptor& acceptor) {
  error_code ec;
  co_await acceptor.async_wait(tcp::acceptor::wait_read,
                               asio::redirect_error(asio::use_awaitable, ec));
  if (!acceptor.is_open() || close_longest_idle()) co_return;
  co_await clock_.sleep_until(clock_.now() + kAcceptPause);
}

bool Listener::close_longest_idle() {
  const auto client = longest_idle();
  if (client == clients_.end()) return false;
  error_code ec;
  client->socket.close(ec);
  return true;
}

SteadyTime Listener::touched() {
  const SteadyTime now = clock_.now();
  last_activity_ = now;
  hooks_.changed();
  return now;
}

}  // namespace relay
