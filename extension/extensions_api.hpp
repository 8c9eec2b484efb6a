// The Extensions API as a client sees it: register, next, subscribe to telemetry. Says what was
// answered; whether and when to ask again is the caller's business (next_loop.hpp). AWS docs,
// "Using the Lambda Extensions API to create extensions" and "Accessing real-time telemetry data
// for extensions using the Telemetry API"; checked 2026-11.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "extension/reserved_descriptor.hpp"
#include "proto/lambda_events.hpp"
#include "proto/result.hpp"
#include "proto/telemetry.hpp"
#include "relay/clock.hpp"

namespace extension {

namespace asio = boost::asio;

/// Which events the platform is asked for.
enum class Events {
  invoke_and_shutdown,
  shutdown_only,  ///< all that Lambda Managed Instances grant
};

/// The platform answered, but not with what was asked for.
struct Refused {
  unsigned status = 0;
  proto::PlatformError error;
};

/// To a registration: the platform has started no file of that name, and takes us for an extension
/// within the runtime, which gets no SHUTDOWN (aws/aws-lambda-runtime-interface-emulator:
/// internal/lambda/core/registrations.go).
[[nodiscard]] bool names_no_file(const Refused& refused);

struct Subscribed {};

/// What was asked for, or the platform's refusal; the error is the network's, or proto::Errc for an
/// answer that cannot be read.
template <class T>
using Reply = proto::Result<std::variant<T, Refused>>;

class ExtensionsApi {
 public:
  virtual ~ExtensionsApi() = default;

  /// POST /register. The identifier the platform gives is kept for the other calls.
  [[nodiscard]] virtual asio::awaitable<Reply<proto::Registration>> register_for(Events events) = 0;
  [[nodiscard]] virtual bool registered() const = 0;

  /// GET /event/next: waits without limit. Cancelled, the event it waited for may be lost.
  [[nodiscard]] virtual asio::awaitable<Reply<proto::LambdaEvent>> next() = 0;

  /// Called each time the request for a next event has been written.
  void on_asked(std::function<void()> asked) { asked_ = std::move(asked); }

  /// PUT /telemetry, no later than `deadline` (relay::Errc::deadline_exceeded). 202, which
  /// emulators answer, is a refusal: no record will come.
  [[nodiscard]] virtual asio::awaitable<Reply<Subscribed>> subscribe_telemetry(
      proto::TelemetrySubscription wanted, relay::SteadyTime deadline) = 0;

 protected:
  void asked() const {
    if (asked_) asked_();
  }

 private:
  std::function<void()> asked_;
};

/// "127.0.0.1:9001", "[::1]:9001" or "localhost:9001": an address, never a name to look up.
[[nodiscard]] proto::Result<asio::ip::tcp::endpoint> parse_api_address(std::string_view text);

struct HttpCall;
struct HttpAnswer;

/// Over HTTP, a fresh connection for each call: after a thaw no old one can be trusted. Never a
/// proxy.
class HttpExtensionsApi final : public ExtensionsApi {
 public:
  /// `address` is AWS_LAMBDA_RUNTIME_API; if it cannot be read every call returns that error.
  /// `file_name`: tried by turns with `extension_name` where no file has that name; "": not.
  HttpExtensionsApi(asio::any_io_executor executor, relay::Clock& clock, std::string_view address,
                    std::string extension_name, std::string file_name = {});

  [[nodiscard]] asio::awaitable<Reply<proto::Registration>> register_for(Events events) override;

  [[nodiscard]] bool registered() const override { return !identifier_.empty(); }

  [[nodiscard]] asio::awaitable<Reply<proto::LambdaEvent>> next() override;
  [[nodiscard]] asio::awaitable<Reply<Subscribed>> subscribe_telemetry(
      proto::TelemetrySubscription wanted, relay::SteadyTime deadline) override;

 private:
  [[nodiscard]] asio::awaitable<proto::Result<HttpAnswer>> exchange(HttpCall call);

  asio::any_io_executor executor_;
  relay::Clock& clock_;
  proto::Result<asio::ip::tcp::endpoint> platform_;
  std::string host_;  ///< of the Host header: the address as it was given
  std::string extension_name_;
  std::string other_name_;
  std::string identifier_;
  ReservedDescriptor reserved_;
};

}  // namespace extension
