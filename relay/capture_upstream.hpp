// In Sentry's place, without a socket: every request is answered 200 at once and captured. So the
// accounts, the limits and the views of `thaw serve --capture` are the relay's own.
#pragma once

#include "relay/capture.hpp"
#include "relay/clock.hpp"
#include "relay/upstream.hpp"

namespace relay {

class CaptureUpstream final : public Upstream {
 public:
  /// Both outlive this. For requests that are not compressed: Compression::none.
  CaptureUpstream(Capture& capture, Clock& clock) : capture_(capture), clock_(clock) {}

  [[nodiscard]] asio::awaitable<proto::Result<UpstreamAnswer>> send(
      const UpstreamRequest& request, SendProgress& progress) override;

  void warm(const Endpoint&) override {}

  void forget() override {}

  void forget_names() override {}

 private:
  Capture& capture_;
  Clock& clock_;
};

}  // namespace relay
