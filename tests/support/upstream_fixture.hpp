// What every test of the upstream begins with.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>

#include "relay/http_upstream.hpp"
#include "relay/log.hpp"
#include "tests/support/fake_upstream.hpp"
#include "tests/support/manual_clock.hpp"
#include "tests/support/run.hpp"

namespace support {

using Answer = proto::Result<relay::UpstreamAnswer>;

struct LogLines final : relay::LogSink {
  bool write(std::string_view line) override {
    lines.emplace_back(line);
    return true;
  }

  std::vector<std::string> lines;
};

/// `body` outlives the request.
inline relay::UpstreamRequest request_to(relay::Endpoint endpoint, std::string_view body = "body") {
  relay::UpstreamRequest request;
  request.endpoint = std::move(endpoint);
  request.target = "/api/42/envelope/";
  request.body = body;
  return request;
}

struct Sent {
  Answer result;

  /// 0 for an error.
  [[nodiscard]] unsigned status() const { return result ? result->status : 0; }

  [[nodiscard]] boost::system::error_code error() const {
    return result ? boost::system::error_code() : result.error();
  }
};

struct UpstreamFixture {
  explicit UpstreamFixture(relay::HttpUpstream::Settings settings = {})
      : upstream(io.get_executor(), clock, log, std::move(settings)) {}

  ~UpstreamFixture() {
    upstream.stop();
    Started<bool> joined(io, join(upstream));
  }

  UpstreamFixture(const UpstreamFixture&) = delete;
  UpstreamFixture& operator=(const UpstreamFixture&) = delete;

  Sent send(relay::Endpoint endpoint, std::string_view body = "body") {
    const relay::UpstreamRequest request = request_to(std::move(endpoint), body);
    return {run(io, upstream.send(request, progress))};
  }

  /// A send under way, with the fixture's progress.
  class Sending {
   public:
    Sending(UpstreamFixture& fixture, relay::Endpoint endpoint, std::string_view body = "body")
        : request_(request_to(std::move(endpoint), body)),
          sending_(fixture.io, fixture.upstream.send(request_, fixture.progress)) {}

    [[nodiscard]] bool done() const { return sending_.done(); }

    void cancel() { sending_.cancel(); }

    /// It ended, and with nothing but its cancellation.
    [[nodiscard]] bool cancelled() {
      return sending_.cancelled() || error() == asio::error::operation_aborted;
    }

    [[nodiscard]] unsigned status() { return Sent{sending_.get()}.status(); }

    [[nodiscard]] boost::system::error_code error() { return Sent{sending_.get()}.error(); }

   private:
    relay::UpstreamRequest request_;
    Started<Answer> sending_;
  };

  static asio::awaitable<bool> join(relay::HttpUpstream& upstream) {
    co_await upstream.join();
    co_return true;
  }

  asio::io_context io{1};
  ManualClock clock{io.get_executor()};
  LogLines sink;
  relay::Log log{{}, sink, clock};
  relay::HttpUpstream upstream;
  relay::SendProgress progress;
};

}  // namespace support
