#include "extension/telemetry_listener.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include "proto/result.hpp"

namespace extension {
namespace {

namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

// What is read of a request that is answered unread: beyond it the connection is closed.
constexpr std::uint64_t kDiscardLimit = std::uint64_t{64} * 1024 * 1024;

struct Post {
  std::optional<TelemetrySender> sender;  ///< nullopt: not for us
  bool too_long = false;                  ///< its body was read and dropped
  bool keep_alive = false;
  std::string body;
};

std::optional<TelemetrySender> sender_of(std::string_view target, std::string_view ours) {
  if (target == ours) return TelemetrySender::platform;
  if (target == "/") return TelemetrySender::anyone;
  return std::nullopt;
}

std::size_t body_limit(std::optional<TelemetrySender> sender) {
  if (!sender) return 0;
  return *sender == TelemetrySender::platform ? TelemetryListener::kBodyLimit
                                              : TelemetryListener::kAnyonesBodyLimit;
}

// Reads one request to its end, keeping of its body what the sender is good for.
asio::awaitable<proto::Result<Post>> read_post(tcp::socket& socket,
                                               boost::beast::flat_buffer& input,
                                               std::string_view target) {
  error_code ec;
  http::request_parser<http::buffer_body> parser;
  parser.body_limit(kDiscardLimit);
  co_await http::async_read_header(socket, input, parser,
                                   asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return ec;
  Post post;
  auto& message = parser.get();
  if (message.method() == http::verb::post) post.sender = sender_of(message.target(), target);
  post.keep_alive = message.keep_alive();

  const std::size_t limit = body_limit(post.sender);
  std::array<char, 4096> chunk;
  while (!parser.is_done()) {
    message.body().data = chunk.data();
    message.body().size = chunk.size();
    co_await http::async_read_some(socket, input, parser,
                                   asio::redirect_error(asio::use_awaitable, ec));
    if (ec && ec != http::error::need_buffer) co_return ec;
    const std::size_t received = chunk.size() - message.body().size;
    if (post.body.size() + received > limit) post.too_long = true;
    if (!post.too_long) post.body.append(chunk.data(), received);
  }
  co_return post;
}

asio::awaitable<error_code> answer_ok(tcp::socket& socket, bool keep_alive) {
  http::response<http::empty_body> ok(http::status::ok, 11);
  ok.keep_alive(keep_alive);
  ok.prepare_payload();
  error_code ec;
  co_await http::async_write(socket, ok, asio::redirect_error(asio::use_awaitable, ec));
  co_return ec;
}

// One line of hosts(5) without its comment: an address, then names.
bool names_sandbox(std::string_view names) {
  constexpr std::string_view kBlank = " \t\r";
  while (!names.empty()) {
    const auto begin = names.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) return false;
    names.remove_prefix(begin);
    const auto name = names.substr(0, names.find_first_of(kBlank));
    if (name == "sandbox.localdomain") return true;
    names.remove_prefix(name.size());
  }
  return false;
}

// Lambda writes a handful of lines; a file longer than this is not its.
std::string front_of(const char* file) {
  std::string text(std::size_t{16} * 1024, '\0');
  std::FILE* in = std::fopen(file, "re");
  if (in == nullptr) return {};
  text.resize(std::fread(text.data(), 1, text.size(), in));
  std::fclose(in);
  return text;
}

error_code listen(tcp::acceptor& acceptor, const asio::ip::address& address) {
  const tcp::endpoint endpoint(address, 0);
  error_code ec;
  if (acceptor.is_open()) acceptor.close(ec);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
  return ec;
}

}  // namespace

std::optional<asio::ip::address> sandbox_address(std::string_view hosts) {
  while (!hosts.empty()) {
    auto line = hosts.substr(0, hosts.find('\n'));
    hosts.remove_prefix(std::min(line.size() + 1, hosts.size()));
    line = line.substr(0, line.find('#'));
    const auto blank = line.find_first_of(" \t");
    if (blank == std::string_view::npos || !names_sandbox(line.substr(blank))) continue;
    error_code ec;
    auto address = asio::ip::make_address(std::string(line.substr(0, blank)), ec);
    if (!ec) return address;
  }
  return std::nullopt;
}

TelemetryListener::TelemetryListener(asio::any_io_executor executor, relay::Clock& clock,
                                     relay::Log& log, TelemetryCounters& counters, std::string path,
                                     OnRecord on_record)
    : clock_(clock),
      log_(log),
      counters_(counters),
      target_("/" + std::move(path)),
      on_record_(std::move(on_record)),
      acceptor_(executor),
      tasks_(executor, [this](const std::exception_ptr& failure) {
        log_.once("telemetry task", relay::LogLevel::error,
                  "telemetry connection failed: " + relay::describe(failure));
      }) {}

std::string TelemetryListener::open(const char* hosts_file) {
  error_code ec = asio::error::host_not_found;
  const auto address = sandbox_address(front_of(hosts_file));
  if (address) ec = listen(acceptor_, *address);
  if (ec) ec = listen(acceptor_, asio::ip::address_v4::any());
  if (ec) {
    log_.once("telemetry listener", relay::LogLevel::warn,
              "cannot listen for telemetry (" + ec.message() +
                  "); the end of a function is guessed from its silence (THAW_QUIET_MS)");
    return "";
  }
  tasks_.spawn(accept());
  return "http://sandbox.localdomain:" + std::to_string(port()) + target_;
}

std::uint16_t TelemetryListener::port() const {
  error_code ec;
  return acceptor_.local_endpoint(ec).port();
}

asio::awaitable<void> TelemetryListener::stop() {
  error_code ignored;
  acceptor_.close(ignored);
  tasks_.stop();
  co_await tasks_.join();
}

asio::awaitable<void> TelemetryListener::accept() {
  while (acceptor_.is_open()) {
    error_code ec;
    Socket socket(acceptor_.get_executor());
    co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, ec));
    if (ec) {
      // Stopped, or out of descriptors.
      co_await clock_.sleep_until(clock_.now() + relay::milliseconds{100});
      continue;
    }
    if (connections_.size() >= kMaxConnections) {
      error_code ignored;
      connections_.front()->close(ignored);
      connections_.pop_front();
    }
    tasks_.spawn(serve(std::move(socket)));
  }
}

asio::awaitable<void> TelemetryListener::serve(Socket socket) {
  // Leaves the list with the connection, however that ends.
  struct Listed {
    std::list<Socket*>& all;
    Socket* self;

    ~Listed() { all.remove(self); }
  } const listed{connections_, &socket};

  connections_.push_back(&socket);

  boost::beast::flat_buffer input;
  for (;;) {
    auto post = co_await read_post(socket, input, target_);
    if (!post) co_return;
    const error_code failed = co_await answer_ok(socket, post->keep_alive);
    take(post->too_long ? std::nullopt : post->sender, post->body);
    if (failed || !post->keep_alive) co_return;
  }
}

void TelemetryListener::take(std::optional<TelemetrySender> sender, std::string_view body) {
  if (!sender) {
    ++counters_.ignored;
    return;
  }
  const auto records = proto::parse_telemetry(body);
  if (!records) {
    ++counters_.unparsable;
    return;
  }
  ++counters_.batches;
  for (const auto& record : *records) on_record_(record, *sender);
}

}  // namespace extension
