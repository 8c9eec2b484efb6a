// Where the platform posts its telemetry. A listener of its own, apart from the SDKs' port: it must
// be reachable as sandbox.localdomain, so anybody in the sandbox may knock; only a POST to a path
// nobody can guess counts as the platform's, one to / as anyone's, and nothing else is read. Every
// request is answered 200, because the platform repeats whatever is not (AWS docs, "Accessing
// real-time telemetry data for extensions using the Telemetry API"; checked 2026-11).
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "extension/host_stats.hpp"
#include "proto/telemetry.hpp"
#include "relay/clock.hpp"
#include "relay/log.hpp"
#include "relay/task_group.hpp"

namespace extension {

namespace asio = boost::asio;

/// The address a hosts(5) file has for sandbox.localdomain.
[[nodiscard]] std::optional<asio::ip::address> sandbox_address(std::string_view hosts);

enum class TelemetrySender {
  platform,  ///< it knew our path
  anyone,    ///< posted to /
};

class TelemetryListener {
 public:
  using OnRecord = std::function<void(const proto::TelemetryRecord&, TelemetrySender)>;

  /// The platform's batches are a quarter of it at most.
  static constexpr std::size_t kBodyLimit = std::size_t{4} * 1024 * 1024;
  /// Of anyone's: twice the batches we ask for. Read, a body takes many times its size.
  static constexpr std::size_t kAnyonesBodyLimit = std::size_t{512} * 1024;
  /// The platform needs one; at a further one the oldest is closed.
  static constexpr std::size_t kMaxConnections = 4;

  /// What is referred to outlives the listener. `path` is 128 random bits as text; `on_record` is
  /// called for each record.
  TelemetryListener(asio::any_io_executor executor, relay::Clock& clock, relay::Log& log,
                    TelemetryCounters& counters, std::string path, OnRecord on_record);

  /// Listens on the address sandbox.localdomain has in `hosts_file`, else on every one, on a port
  /// of the kernel's choosing, and starts accepting. Returns the URI to subscribe with; "" when
  /// nothing could be opened, which is logged.
  [[nodiscard]] std::string open(const char* hosts_file);

  /// Closes everything and waits for the connections' end. After it the listener may die.
  [[nodiscard]] asio::awaitable<void> stop();

  [[nodiscard]] std::uint16_t port() const;

 private:
  using Socket = asio::ip::tcp::socket;

  [[nodiscard]] asio::awaitable<void> accept();
  [[nodiscard]] asio::awaitable<void> serve(Socket socket);
  void take(std::optional<TelemetrySender> sender, std::string_view body);

  relay::Clock& clock_;
  relay::Log& log_;
  TelemetryCounters& counters_;
  std::string target_;
  OnRecord on_record_;
  asio::ip::tcp::acceptor acceptor_;
  std::list<Socket*> connections_;  ///< the oldest first; each lives in its serve()
  relay::TaskGroup tasks_;
};

}  // namespace extension
