#include "tests/sandbox/platform_server.hpp"

#include <string_view>
#include <utility>

#include "tests/sandbox/sockets.hpp"

namespace sandbox {

PlatformServer::PlatformServer(asio::io_context& io, TaskGroup& tasks, ExtensionsApi& extensions,
                               RuntimeApi& runtime, TelemetryApi& telemetry)
    : tasks_(tasks),
      extensions_(extensions),
      runtime_(runtime),
      telemetry_(telemetry),
      acceptor_(listen_on_loopback(io)),
      handler_([this](Request request, Peer& peer) { return route(std::move(request), peer); }) {}

std::uint16_t PlatformServer::port() const { return acceptor_.local_endpoint().port(); }

void PlatformServer::start() {
  tasks_.spawn(accept_all(acceptor_, [this](asio::ip::tcp::socket socket) {
    tasks_.spawn(serve_http(std::move(socket), handler_));
  }));
}

asio::awaitable<Response> PlatformServer::route(Request request, Peer& peer) {
  static constexpr std::string_view kExtensions = "/2020-01-01/extension";
  static constexpr std::string_view kRuntime = "/2018-06-01/runtime";
  std::string path = request.target.substr(0, request.target.find('?'));
  if (path.starts_with(kExtensions))
    co_return co_await extensions_.handle(path.substr(kExtensions.size()), std::move(request),
                                          peer);
  if (path.starts_with(kRuntime))
    co_return co_await runtime_.handle(path.substr(kRuntime.size()), std::move(request), peer);
  if (path == "/2022-07-01/telemetry") co_return telemetry_.subscribe(request);
  if (path == "/2018-06-01/ping") co_return json_response(200, "pong");
  co_return not_found();
}

}  // namespace sandbox
