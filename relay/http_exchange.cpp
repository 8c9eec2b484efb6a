#include "relay/http_exchange.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proto/url_text.hpp"
#include "relay/deadline.hpp"
#include "relay/errc.hpp"
#include "relay/http_answer.hpp"
#include "relay/wakeup.hpp"

namespace relay {
namespace {

using boost::system::error_code;

// One TLS record: a head and a small body leave in one piece. Also what is written in one turn of
// the loop.
constexpr std::size_t kPieceBytes = 16UL * 1024;

constexpr unsigned kRequestTimeout = 408;
constexpr milliseconds kBodyPatience{1000};

bool fits_a_line(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

asio::awaitable<void> next_turn() {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

/// Writes all of `bytes`; true if it came to that.
asio::awaitable<bool> write_all(Connection& connection, std::string_view bytes,
                                SendProgress& progress, Clock& clock) {
  while (!bytes.empty()) {
    const auto written = co_await connection.write_some(bytes.substr(0, kPieceBytes));
    if (!written) co_return false;
    progress.last_byte = clock.wall_now();
    bytes.remove_prefix(*written);
    if (!bytes.empty()) co_await next_turn();
  }
  co_return true;
}

/// What the two ends of an exchange know of each other.
struct Ends {
  bool read = false;   ///< the reading one has ended
  bool asked = false;  ///< the writing one has begun
};

/// Ends only by being cancelled: what a failed write means the reading end finds out, after the
/// answer that may have come before it.
///
/// The reading end begins first, so that nothing is written where the peer has left unasked: the
/// kernel would take it all, and it would count as perhaps accepted.
asio::awaitable<void> write_request(Connection& connection, std::string head, std::string_view body,
                                    SendProgress& progress, Clock& clock, Ends& ends) {
  const std::size_t along = std::min(body.size(), kPieceBytes - std::min(kPieceBytes, head.size()));
  head += body.substr(0, along);
  body.remove_prefix(along);
  ends.asked = !ends.read;
  bool written = ends.asked;
  if (written) written = co_await write_all(connection, head, progress, clock);
  if (written) written = co_await write_all(connection, body, progress, clock);
  progress.fully_written = written;
  Wakeup cancelled(co_await asio::this_coro::executor);
  co_await cancelled.wait();
}

/// What the end of the connection means: whoever answers without reading all of the request may end
/// a body that has no length with a reset, which is no worse than any other end.
error_code ended(HttpAnswer& answer, error_code how) {
  if (how == asio::error::operation_aborted) return how;
  const error_code incomplete = answer.ended();
  return how == asio::error::eof || !incomplete ? incomplete : how;
}

/// Reads until the answer's header is here, or all of it.
asio::awaitable<proto::Result<Exchanged>> read(Connection& connection, HttpAnswer& answer,
                                               bool whole, SendProgress& progress, Clock& clock,
                                               Ends& ends) {
  while (!answer.complete() && (whole || !answer.has_status())) {
    const auto got = co_await connection.read_some(answer.room());
    error_code failed;
    if (got) {
      progress.last_byte = clock.wall_now();
      failed = answer.came(*got);
    } else {
      failed = ended(answer, got.error());
    }
    ends.read = failed || answer.complete();
    if (failed) co_return failed;
    if (!answer.complete()) co_await next_turn();
  }
  co_return Exchanged{answer.answer(), answer.keeps_connection()};
}

asio::awaitable<proto::Result<Exchanged>> read_answer(Connection& connection,
                                                      SendProgress& progress, Clock& clock,
                                                      Ends& ends) {
  HttpAnswer answer;
  auto done = co_await read(connection, answer, false, progress, clock, ends);
  if (done && !answer.complete()) {
    // The body is read for the connection's sake only: it is not waited for as an answer is.
    auto rest = read(connection, answer, true, progress, clock, ends);
    done = co_await with_deadline(clock, clock.now() + kBodyPatience, std::move(rest));
  }
  // However its body ends, it was answered: what is sent again would be there twice.
  const bool answered = answer.has_status() && done.error() != asio::error::operation_aborted;
  if (!done && answered) co_return Exchanged{answer.answer(), false};
  co_return done;
}

}  // namespace

std::string request_head(const UpstreamRequest& request, const proto::Proxy* proxy) {
  const Endpoint& to = request.endpoint;
  const std::string host = proto::to_short_authority(to.host, to.port, to.tls);
  std::string head = request.method + " ";
  if (proxy != nullptr) head += "http://" + host;
  head += request.target + " HTTP/1.1\r\n";
  if (request.target.empty() || !fits_a_line(request.method) || !fits_a_line(request.target) ||
      !fits_a_line(request.endpoint.host) || request.target.find(' ') != std::string::npos) {
    return {};
  }
  head += "Host: " + host + "\r\n";
  if (proxy != nullptr && !proxy->authorization.empty()) {
    head += "Proxy-Authorization: " + proxy->authorization + "\r\n";
  }
  for (const auto& [name, value] : request.headers) {
    if (!fits_a_line(name) || !fits_a_line(value)) return {};
    head.append(name).append(": ").append(value).append("\r\n");
  }
  // RFC 9110, 8.6: a request without content whose method expects none has no Content-Length.
  if (request.method != "GET" || !request.body.empty()) {
    head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  }
  return head + "\r\n";
}

asio::awaitable<proto::Result<Exchanged>> exchange(Connection& connection, std::string head,
                                                   std::string_view body, SendProgress& progress,
                                                   Clock& clock) {
  using asio::experimental::awaitable_operators::operator||;
  Ends ends;
  auto first = co_await (read_answer(connection, progress, clock, ends) ||
                         write_request(connection, std::move(head), body, progress, clock, ends));
  if (first.index() == 1) co_return asio::error::operation_aborted;
  auto done = std::get<0>(std::move(first));
  // What comes unasked answers nothing. Nor does a 408: whoever says it has grown tired of waiting
  // for the request, as a balancer does over a freeze, and did not get it (RFC 9110, 15.5.9).
  if (done && (!ends.asked || done->answer.status == kRequestTimeout)) {
    progress.fully_written = false;
    co_return asio::error::connection_aborted;
  }
  if (done && !progress.fully_written) done->keeps_connection = false;
  co_return done;
}

}  // namespace relay
