// One question to the name servers: a c-ares channel and its sockets, gone with the frame that owns
// them. A channel a question costs a read of /etc/resolv.conf, which may have changed since the
// last freeze, and in return a cancelled question leaves nothing behind.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ares.h>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "proto/result.hpp"
#include "relay/clock.hpp"

namespace relay {

class Lookup {
 public:
  struct Found {
    std::vector<asio::ip::address> addresses;  ///< IPv4 first
    /// The shortest of all records involved; none where one family's answer is missing.
    milliseconds lifetime{0};
  };

  /// `clock` outlives the lookup; `name_servers` as ares_set_servers_ports_csv takes them, "" the
  /// system's.
  Lookup(const asio::any_io_executor& executor, Clock& clock, std::string name_servers);
  ~Lookup();
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  /// Once. Addresses of one family do not wait long for a name server that is silent about the
  /// other. Errors: Errc::name_not_found, Errc::name_server_failed.
  [[nodiscard]] asio::awaitable<proto::Result<Found>> run(std::string host);

 private:
  /// About one address family, or both.
  struct Question {
    Lookup& lookup;
    milliseconds patience{0};  ///< with the other question, once this one has found something
    std::optional<proto::Result<Found>> answer{};
    SteadyTime enough = SteadyTime::max();  ///< when that is over
  };

  bool open_poller();
  bool open_channel(std::string lookups);
  void close_channel();
  /// A name that ends with a dot is not looked for below the search domains.
  asio::awaitable<proto::Result<Found>> ask_servers(std::string host);
  void ask(Question& question, const std::string& host, int family);
  static void take(Question& question, int status, ares_addrinfo* found);
  [[nodiscard]] bool over() const;
  [[nodiscard]] proto::Result<Found> both() const;
  void watch(ares_socket_t socket, bool readable, bool writable);
  void process();
  [[nodiscard]] SteadyTime next_timeout() const;

  Clock& clock_;
  std::string name_servers_;
  // All sockets of the channel, as one descriptor: they come and go, it stays (epoll(7)).
  asio::posix::stream_descriptor sockets_;
  ares_channel channel_ = nullptr;
  Question ipv4_, ipv6_;
};

}  // namespace relay
