// One connection to one endpoint, plain or TLS. Dying closes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "proto/result.hpp"
#include "relay/tls_stream.hpp"
#include "relay/upstream.hpp"
#include "relay/upstream_stats.hpp"
#include "relay/wire.hpp"

namespace relay {

/// Each operation may be cancelled at any moment; afterwards the connection can only be closed.
class Connection {
 public:
  /// `stats` outlives the connection.
  Connection(const asio::any_io_executor& executor, UpstreamStats& stats);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] asio::awaitable<proto::Result<void>> connect(asio::ip::address address,
                                                             std::uint16_t port);
  /// Errors: as TlsStream::handshake. What is passed in outlives the connection.
  [[nodiscard]] asio::awaitable<proto::Result<void>> handshake(ssl_ctx_st* context,
                                                               Endpoint endpoint,
                                                               TlsSessions& sessions);

  /// Why handshake() said Errc::certificate_rejected, for a log line.
  [[nodiscard]] std::string verification() const { return tls_ ? tls_->verification() : ""; }

  /// Once handshake() has ended.
  [[nodiscard]] TlsPeer peer() const { return tls_ ? tls_->peer() : TlsPeer{}; }

  /// At least one byte, or an error: asio::error::eof when the peer has closed.
  [[nodiscard]] asio::awaitable<proto::Result<std::size_t>> read_some(asio::mutable_buffer into);
  /// At least one byte; those it returns are with the kernel. `bytes` outlives the call.
  [[nodiscard]] asio::awaitable<proto::Result<std::size_t>> write_some(std::string_view bytes);

  /// Idle as a kept connection should be: open, with nothing to read. Does not wait.
  [[nodiscard]] bool quiet();

 private:
  asio::awaitable<boost::system::error_code> ready(Step::Want want);

  asio::ip::tcp::socket socket_;
  UpstreamStats& stats_;
  std::optional<Wire> wire_;        ///< once connected
  std::unique_ptr<TlsStream> tls_;  ///< reads and writes wire_
};

}  // namespace relay
