// The one HTTP port behind AWS_LAMBDA_RUNTIME_API: routes to the three APIs.
// aws/aws-lambda-runtime-interface-emulator: internal/lambda/rapi/{router,server}.go
#pragma once

#include <cstdint>

#include <boost/asio/ip/tcp.hpp>

#include "tests/sandbox/extensions_api.hpp"
#include "tests/sandbox/runtime_api.hpp"
#include "tests/sandbox/task_group.hpp"
#include "tests/sandbox/telemetry_api.hpp"

namespace sandbox {

class PlatformServer {
 public:
  PlatformServer(asio::io_context& io, TaskGroup& tasks, ExtensionsApi& extensions,
                 RuntimeApi& runtime, TelemetryApi& telemetry);

  [[nodiscard]] std::uint16_t port() const;
  void start();

 private:
  asio::awaitable<Response> route(Request request, Peer& peer);

  TaskGroup& tasks_;
  ExtensionsApi& extensions_;
  RuntimeApi& runtime_;
  TelemetryApi& telemetry_;
  asio::ip::tcp::acceptor acceptor_;
  Handler handler_;
};

}  // namespace sandbox
