// A Sentry look-alike behind the road: takes envelopes as Relay does, keeps what arrived, and fails
// as told to.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/context.hpp>

#include "tests/sandbox/faults.hpp"
#include "tests/sandbox/recorder.hpp"
#include "tests/sandbox/road.hpp"
#include "tests/sandbox/sockets.hpp"
#include "tests/sandbox/task_group.hpp"

namespace sandbox {

class Capture {
 public:
  /// `tls` null: plain http.
  Capture(asio::io_context& io, TaskGroup& tasks, Road& road, Recorder& recorder, Faults faults,
          std::unique_ptr<asio::ssl::context> tls);
  ~Capture();

  [[nodiscard]] std::uint16_t port() const;
  void start();

  /// Takes no new connections; returns when those there are have ended or at `deadline`.
  asio::awaitable<void> finish(SteadyTime deadline);

 private:
  asio::awaitable<void> connection(asio::ip::tcp::socket client, std::uint64_t number);

  asio::io_context& io_;
  TaskGroup& tasks_;
  Road& road_;
  Recorder& recorder_;
  Faults faults_;
  std::unique_ptr<asio::ssl::context> tls_;
  ReservedPort reserved_;
  std::optional<asio::ip::tcp::acceptor> acceptor_;
  TaskGroup connections_;
};

/// Serves one connection of the upstream's side until it ends.
asio::awaitable<void> serve_upstream(asio::local::stream_protocol::socket socket,
                                     asio::ssl::context* tls, Lane& lane, Recorder& recorder,
                                     const Faults& faults, std::uint64_t connection);

}  // namespace sandbox
