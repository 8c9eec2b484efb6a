// Host names to addresses, on our own loop: c-ares does the protocol, we do the waiting. Asio's own
// resolver runs on a hidden thread and does not end when cancelled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>

#include "proto/result.hpp"
#include "relay/clock.hpp"
#include "relay/wakeup.hpp"

namespace relay {

class Resolver {
 public:
  using Addresses = std::vector<asio::ip::address>;

  struct Settings {
    /// "address" or "address:port"; empty: those of /etc/resolv.conf, and without that file
    /// 127.0.0.1.
    std::vector<std::string> name_servers{};
  };

  /// Opens nothing. `clock` outlives the resolver.
  Resolver(asio::any_io_executor executor, Clock& clock, Settings settings);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  /// IPv4 addresses first, at least one. From /etc/hosts, else from a name server; /etc/resolv.conf
  /// is read anew for each lookup. A literal is answered at once. Has no limit of its own worth
  /// waiting for: the caller's deadline cancels it, and it ends at once, its sockets closed.
  /// Errors: Errc::name_not_found, Errc::name_server_failed.
  [[nodiscard]] asio::awaitable<proto::Result<Addresses>> resolve(std::string host);

  /// Drops every answer learnt so far, and does not keep those that are being asked for.
  void forget() {
    ++generation_;
    learnt_.clear();
  }

 private:
  // More names than an allow-list with suffixes meets in one process.
  static constexpr std::size_t kMostNames = 64;

  struct Answer {
    Addresses addresses;
    WallTime since;
    milliseconds lifetime;
  };

  /// What a lookup that is under way has come to, for all who wait for it.
  struct Asked {
    std::uint64_t generation = 0;  ///< of learnt_ when it began
    std::optional<proto::Result<Addresses>> answer{};
  };

  /// By name.
  using Asking = std::map<std::string, std::shared_ptr<Asked>>;

  class Question;

  [[nodiscard]] const Addresses* recall(const std::string& host);
  void learn(const std::string& host, Answer answer);
  asio::awaitable<proto::Result<Addresses>> look_up(std::string host);

  asio::any_io_executor executor_;
  Clock& clock_;
  Settings settings_;
  std::map<std::string, Answer> learnt_;
  std::uint64_t generation_ = 0;  ///< of learnt_
  Asking asking_;                 ///< names that somebody looks up now
  Wakeup asked_;
};

}  // namespace relay
