// The upstream's side of one connection: HTTP by Beast over plain bytes or TLS.
#include <sstream>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "tests/sandbox/capture.hpp"
#include "tests/sandbox/inspection.hpp"

namespace sandbox {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

using Parser = http::request_parser<http::string_body>;

/// What one connection of the upstream works with.
struct Desk {
  Lane& lane;
  Recorder& recorder;
  const Faults& faults;
  std::uint64_t connection;
};

Request to_request(http::request<http::string_body>&& message) {
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message)
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  request.body = std::move(message.body());
  return request;
}

std::string answer_text(unsigned status, const std::string& body, const RequestPlan& plan,
                        bool keep_alive) {
  http::response<http::string_body> message;
  message.version(11);
  message.result(status);
  message.set(http::field::server, "sentry-relay/sandbox");
  message.set(http::field::content_type, "application/json");
  for (const auto& [name, value] : plan.headers) message.set(name, value);
  message.keep_alive(keep_alive);
  message.body() = body;
  message.prepare_payload();
  std::ostringstream text;
  text << message;
  return text.str();
}

/// Puts the request into the books; returns what it is answered.
std::pair<unsigned, std::string> book(Desk& desk, const Request& request, std::uint64_t number,
                                      const RequestPlan& plan) {
  Inspection found = inspect(request);
  if (plan.status != 0) {
    found.status = plan.status;
    found.body = R"({"detail":"sandbox fault"})";
  }
  found.summary.at_ms = epoch_ms();
  found.summary.status = found.status;
  const bool good = found.status >= 200 && found.status < 300;
  if (good && found.arrival) {
    found.arrival->at_ms = found.summary.at_ms;
    found.arrival->request = number;
    found.arrival->connection = desk.connection;
    ++desk.recorder.upstream.accepted;
    desk.recorder.keep_body(number, found.envelope);
    desk.recorder.arrivals.push_back(std::move(*found.arrival));
  } else if (good) {
    desk.recorder.others.push_back(std::move(found.summary));
  } else {
    ++desk.recorder.upstream.refused;
    desk.recorder.refused.push_back(std::move(found.summary));
  }
  return {found.status, std::move(found.body)};
}

void book_unread(Desk& desk, const Parser& parser) {
  OtherRequest victim;
  victim.at_ms = epoch_ms();
  victim.method = std::string(parser.get().method_string());
  victim.target = std::string(parser.get().target());
  victim.problems.emplace_back("reset before its body");
  ++desk.recorder.upstream.refused;
  desk.recorder.refused.push_back(std::move(victim));
}

template <class Stream>
asio::awaitable<void> wait_for_the_end(Stream& stream) {
  char byte = 0;
  error_code failed;
  while (!failed)
    co_await stream.async_read_some(asio::buffer(&byte, 1),
                                    asio::redirect_error(asio::use_awaitable, failed));
}

template <class Stream>
asio::awaitable<bool> answer(Stream& stream, std::string text) {
  error_code failed;
  co_await asio::async_write(stream, asio::buffer(text),
                             asio::redirect_error(asio::use_awaitable, failed));
  co_return !failed;
}

/// Reads the header's first byte apart, so that an idle connection that closes is no cut request.
template <class Stream>
asio::awaitable<bool> request_begins(Stream& stream, beast::flat_buffer& buffer) {
  if (buffer.size() > 0) co_return true;
  error_code failed;
  const std::size_t size = co_await stream.async_read_some(
      buffer.prepare(16384), asio::redirect_error(asio::use_awaitable, failed));
  buffer.commit(size);
  co_return !failed;
}

/// Answers a request that is in the books, as `plan` wants. Returns whether the connection goes on.
template <class Stream>
asio::awaitable<bool> reply(Stream& stream, unsigned status, std::string body, RequestPlan plan,
                            bool keep_alive) {
  if (plan.reset_after) co_return false;
  if (plan.hang) {
    co_await wait_for_the_end(stream);
    co_return false;
  }
  if (plan.slow.count() > 0) {
    asio::steady_timer think(stream.get_executor(), plan.slow);
    co_await think.async_wait(asio::use_awaitable);
  }
  std::string text = answer_text(status, body, plan, keep_alive);
  if (plan.reset_within) text.resize(text.size() / 2);
  const bool written = co_await answer(stream, std::move(text));
  co_return written&& keep_alive && !plan.reset_within;
}

/// One request. Returns whether the connection goes on.
template <class Stream>
asio::awaitable<bool> exchange(Stream& stream, beast::flat_buffer& buffer, Desk& desk) {
  auto& counters = desk.recorder.upstream;
  const std::uint64_t number = ++counters.requests_begun;
  const RequestPlan plan = desk.faults.plan(number, desk.recorder.invokes.size());
  Parser parser;
  parser.body_limit(std::uint64_t{256} << 20);
  error_code failed;
  co_await http::async_read_header(stream, buffer, parser,
                                   asio::redirect_error(asio::use_awaitable, failed));
  if (!failed && plan.reset_before) {
    book_unread(desk, parser);
    desk.lane.reset_by_upstream = true;
    co_return false;
  }
  if (!failed && beast::iequals(parser.get()[http::field::expect], "100-continue"))
    co_await answer(stream, "HTTP/1.1 100 Continue\r\n\r\n");
  if (!failed)
    co_await http::async_read(stream, buffer, parser,
                              asio::redirect_error(asio::use_awaitable, failed));
  if (failed) {
    ++counters.requests_cut;
    co_return false;
  }
  ++counters.requests_completed;
  const bool keep_alive = parser.get().keep_alive();
  const Request request = to_request(parser.release());
  auto [status, body] = book(desk, request, number, plan);
  desk.lane.reset_by_upstream = plan.reset_after || plan.reset_within;
  co_return co_await reply(stream, status, std::move(body), plan, keep_alive);
}

template <class Stream>
asio::awaitable<void> converse(Stream& stream, Desk& desk) {
  beast::flat_buffer buffer;
  while (co_await request_begins(stream, buffer))
    if (!co_await exchange(stream, buffer, desk)) break;
}

}  // namespace

asio::awaitable<void> serve_upstream(asio::local::stream_protocol::socket socket,
                                     asio::ssl::context* tls, Lane& lane, Recorder& recorder,
                                     const Faults& faults, std::uint64_t connection) {
  Desk desk{lane, recorder, faults, connection};
  error_code failed;
  if (tls == nullptr) {
    co_await converse(socket, desk);
    socket.close(failed);
    co_return;
  }
  asio::ssl::stream<asio::local::stream_protocol::socket> stream(std::move(socket), *tls);
  co_await stream.async_handshake(asio::ssl::stream_base::server,
                                  asio::redirect_error(asio::use_awaitable, failed));
  if (failed) {
    recorder.event("TLS handshake failed: " + failed.message());
  } else {
    co_await converse(stream, desk);
    if (!lane.reset_by_upstream)
      co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, failed));
  }
  stream.next_layer().close(failed);
}

}  // namespace sandbox
