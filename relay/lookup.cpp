#include "relay/lookup.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/time.h>
#include <unistd.h>

#include "relay/errc.hpp"

namespace relay {
namespace {

// The first of the doubling timeouts: a lost datagram is asked again twice within the default
// connect limit.
constexpr int kTimeoutMs = 400;
constexpr int kTries = 3;
// Some name servers drop questions about IPv6. RFC 8305, 3 (Happy Eyeballs): so long an answer
// about IPv4, which is tried first, waits for it. The other way round a lost datagram may be asked
// again.
constexpr milliseconds kPatienceWithIpv6{50};
constexpr milliseconds kPatienceWithIpv4{kTimeoutMs + 100};
// RFC 8767, 4: no answer is worth keeping longer than a week.
constexpr int kMostTtl = 7 * 24 * 3600;

asio::ip::address address_of(const sockaddr& from) {
  if (from.sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &from, sizeof in);
    return asio::ip::address_v4(ntohl(in.sin_addr.s_addr));
  }
  sockaddr_in6 in6{};
  std::memcpy(&in6, &from, sizeof in6);
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &in6.sin6_addr, bytes.size());
  return asio::ip::address_v6(bytes, in6.sin6_scope_id);
}

Lookup::Found found_in(const ares_addrinfo& info) {
  Lookup::Found found;
  int ttl = kMostTtl;
  for (const auto* alias = info.cnames; alias != nullptr; alias = alias->next) {
    ttl = std::min(ttl, alias->ttl);
  }
  for (const int family : {AF_INET, AF_INET6}) {
    for (const auto* node = info.nodes; node != nullptr; node = node->ai_next) {
      if (node->ai_family != family) continue;
      ttl = std::min(ttl, node->ai_ttl);
      found.addresses.push_back(address_of(*node->ai_addr));
    }
  }
  found.lifetime = std::chrono::seconds(std::max(ttl, 0));
  return found;
}

Errc meaning_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
      return Errc::name_not_found;
    default:
      return Errc::name_server_failed;
  }
}

}  // namespace

Lookup::Lookup(const asio::any_io_executor& executor, Clock& clock, std::string name_servers)
    : clock_(clock),
      name_servers_(std::move(name_servers)),
      sockets_(executor),
      ipv4_{*this, kPatienceWithIpv6},
      ipv6_{*this, kPatienceWithIpv4} {}

Lookup::~Lookup() { close_channel(); }

bool Lookup::open_poller() {
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) return false;
  boost::system::error_code failed;
  sockets_.assign(poller, failed);
  if (failed) ::close(poller);
  return !failed;
}

bool Lookup::open_channel(std::string lookups) {
  ares_options options{};
  options.lookups = lookups.data();
  options.timeout = kTimeoutMs;
  options.tries = kTries;
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    static_cast<Lookup*>(self)->watch(socket, readable != 0, writable != 0);
  };
  const int status = ares_init_options(
      &channel_, &options,
      ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status != ARES_SUCCESS) return false;
  return name_servers_.empty() ||
         ares_set_servers_ports_csv(channel_, name_servers_.c_str()) == ARES_SUCCESS;
}

void Lookup::close_channel() {
  if (channel_ != nullptr) ares_destroy(channel_);  // calls take() where there was no answer yet
  channel_ = nullptr;
}

asio::awaitable<proto::Result<Lookup::Found>> Lookup::run(std::string host) {
  // /etc/hosts first, whatever nsswitch.conf says, and for both families at once: one that it names
  // is not completed by a name server.
  Question in_hosts{*this};
  if (!open_channel("f")) co_return Errc::name_server_failed;
  ask(in_hosts, host, AF_UNSPEC);
  close_channel();
  if (in_hosts.answer && *in_hosts.answer) co_return std::move(*in_hosts.answer);

  if (!open_poller() || !open_channel("b")) co_return Errc::name_server_failed;
  // The search domains come last, and for both families: c-ares would take the one that a name
  // lacks from another name below them (resolv.conf(5)).
  if (host.find('.') != std::string::npos) {
    auto found = co_await ask_servers(host + ".");
    if (found || found.error() != Errc::name_not_found) co_return found;
  }
  co_return co_await ask_servers(std::move(host));
}

asio::awaitable<proto::Result<Lookup::Found>> Lookup::ask_servers(std::string host) {
  using asio::experimental::awaitable_operators::operator||;
  for (Question* question : {&ipv4_, &ipv6_}) {
    question->answer.reset();
    question->enough = SteadyTime::max();
  }
  ask(ipv4_, host, AF_INET);
  ask(ipv6_, host, AF_INET6);
  while (!over()) {
    boost::system::error_code failed;
    const SteadyTime again = std::min({next_timeout(), ipv4_.enough, ipv6_.enough});
    co_await (sockets_.async_wait(asio::posix::stream_descriptor::wait_read,
                                  asio::redirect_error(asio::use_awaitable, failed)) ||
              clock_.sleep_until(again));
    if (failed && failed != asio::error::operation_aborted) co_return Errc::name_server_failed;
    process();
  }
  co_return both();
}

void Lookup::ask(Question& question, const std::string& host, int family) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_flags = ARES_AI_NOSORT;
  ares_getaddrinfo(
      channel_, host.c_str(), nullptr, &hints,
      [](void* asked, int status, int, ares_addrinfo* found) {
        take(*static_cast<Question*>(asked), status, found);
      },
      &question);
}

void Lookup::take(Question& question, int status, ares_addrinfo* found) {
  if (status != ARES_SUCCESS) {
    question.answer = meaning_of(status);
    return;
  }
  Found answer = found_in(*found);
  ares_freeaddrinfo(found);
  if (answer.addresses.empty()) {
    question.answer = Errc::name_not_found;
    return;
  }
  question.answer = std::move(answer);
  question.enough = question.lookup.clock_.now() + question.patience;
}

bool Lookup::over() const {
  const SteadyTime now = clock_.now();
  return (ipv4_.answer && ipv6_.answer) || now >= ipv4_.enough || now >= ipv6_.enough;
}

proto::Result<Lookup::Found> Lookup::both() const {
  Found found;
  found.lifetime = std::chrono::seconds(kMostTtl);
  bool no_such_name = true;
  for (const Question* question : {&ipv4_, &ipv6_}) {
    if (!question->answer) {
      found.lifetime = milliseconds{0};
    } else if (!*question->answer) {
      no_such_name = no_such_name && question->answer->error() == Errc::name_not_found;
    } else {
      const Found& one = **question->answer;
      found.addresses.insert(found.addresses.end(), one.addresses.begin(), one.addresses.end());
      found.lifetime = std::min(found.lifetime, one.lifetime);
    }
  }
  if (!found.addresses.empty()) return found;
  return no_such_name ? Errc::name_not_found : Errc::name_server_failed;
}

void Lookup::watch(ares_socket_t socket, bool readable, bool writable) {
  // c-ares speaks up before it closes a socket, and does not say which sockets are new.
  const int poller = sockets_.native_handle();
  epoll_event wanted{};
  wanted.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
  wanted.data.fd = socket;
  if (wanted.events == 0) {
    ::epoll_ctl(poller, EPOLL_CTL_DEL, socket, nullptr);
  } else if (::epoll_ctl(poller, EPOLL_CTL_MOD, socket, &wanted) != 0) {
    ::epoll_ctl(poller, EPOLL_CTL_ADD, socket, &wanted);
  }
}

void Lookup::process() {
  std::array<epoll_event, ARES_GETSOCK_MAXNUM> events;
  const int ready =
      ::epoll_wait(sockets_.native_handle(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < ready; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    const bool readable = broken || (event.events & EPOLLIN) != 0;
    const bool writable = broken || (event.events & EPOLLOUT) != 0;
    ares_process_fd(channel_, readable ? event.data.fd : ARES_SOCKET_BAD,
                    writable ? event.data.fd : ARES_SOCKET_BAD);
  }
  if (ready <= 0) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // time-outs
}

SteadyTime Lookup::next_timeout() const {
  timeval left{};
  const timeval* const set = ares_timeout(channel_, nullptr, &left);
  const auto wait =
      set == nullptr ? std::chrono::microseconds(std::chrono::milliseconds(kTimeoutMs))
                     : std::chrono::seconds(set->tv_sec) + std::chrono::microseconds(set->tv_usec);
  // c-ares looks at whole microseconds of its own clock; a turn a millisecond late is soon enough.
  return clock_.now() + wait + milliseconds{1};
}

}  // namespace relay
