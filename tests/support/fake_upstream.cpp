#include "tests/support/fake_upstream.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "tests/support/run.hpp"

namespace support {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using TlsStream = asio::ssl::stream<tcp::socket>;

/// How long the request at the front of `bytes` is; nullopt while its header is not complete.
std::optional<std::size_t> request_length(const std::string& bytes) {
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string::npos) return std::nullopt;
  const std::string field = "Content-Length: ";
  const std::size_t at = bytes.find(field);
  std::size_t body = 0;
  if (at < end) std::from_chars(bytes.data() + at + field.size(), bytes.data() + end, body);
  return end + 4 + body;
}

bool enough(const std::string& bytes, std::size_t wanted) {
  if (wanted != Act::kAll) return bytes.size() >= wanted;
  const auto length = request_length(bytes);
  return length && bytes.size() >= *length;
}

/// Reads until `wanted` bytes are there. False if the client closed first.
template <class Stream>
asio::awaitable<bool> read_request(Stream& stream, std::string& bytes, std::size_t wanted) {
  char buffer[16 * 1024];
  while (!enough(bytes, wanted)) {
    error_code failed;
    // Never more than wanted: what is not read stays with the client.
    const std::size_t most = std::min(sizeof buffer, wanted - bytes.size());
    const std::size_t got = co_await stream.async_read_some(
        asio::buffer(buffer, most), asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return false;
    bytes.append(buffer, got);
  }
  co_return true;
}

template <class Stream>
asio::awaitable<void> write_answer(Stream& stream, std::string answer, bool drip) {
  const std::size_t piece = drip ? 1 : std::max<std::size_t>(answer.size(), 1);
  for (std::size_t at = 0; at < answer.size(); at += piece) {
    error_code failed;
    co_await asio::async_write(
        stream, asio::buffer(answer.data() + at, std::min(piece, answer.size() - at)),
        asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return;
    co_await asio::post(stream.get_executor(), asio::use_awaitable);
  }
}

tcp::socket& socket_of(tcp::socket& stream) { return stream; }

tcp::socket& socket_of(TlsStream& stream) { return stream.next_layer(); }

/// Drops what comes until the client closes.
asio::awaitable<void> wait_for_close(tcp::socket& socket) {
  char buffer[16 * 1024];
  error_code failed;
  while (!failed) {
    co_await socket.async_read_some(asio::buffer(buffer),
                                    asio::redirect_error(asio::use_awaitable, failed));
  }
}

asio::ssl::context make_context(const FakeUpstream::Tls& tls) {
  asio::ssl::context context(asio::ssl::context::tls_server);
  context.use_certificate(asio::buffer(tls.identity.certificate), asio::ssl::context::pem);
  context.use_private_key(asio::buffer(tls.identity.key), asio::ssl::context::pem);
  if (tls.most != 0) {
    // Versions below 1.2 are possible at level 0 only.
    SSL_CTX_set_cipher_list(context.native_handle(), "ALL:@SECLEVEL=0");
    SSL_CTX_set_min_proto_version(context.native_handle(), 0);
    SSL_CTX_set_max_proto_version(context.native_handle(), tls.most);
  }
  return context;
}

}  // namespace

FakeUpstream::FakeUpstream(asio::io_context& io, std::optional<Tls> tls)
    : io_(io),
      acceptor_(io),
      tls_(std::move(tls)),
      tasks_(io.get_executor(), []([[maybe_unused]] const std::exception_ptr& failure) {
        FAIL(relay::describe(failure));
      }) {
  if (tls_) context_ = std::make_unique<asio::ssl::context>(make_context(*tls_));
  acceptor_.open(tcp::v4());
  acceptor_.set_option(asio::socket_base::receive_buffer_size(4096));  // inherited: full soon
  acceptor_.bind({asio::ip::address_v4::loopback(), 0});
  acceptor_.listen();
  tasks_.spawn(accept());
}

FakeUpstream::~FakeUpstream() {
  tasks_.stop();
  until(io_, [this] { return tasks_.size() == 0; });
}

relay::Endpoint FakeUpstream::endpoint(std::string host) const {
  return {tls_.has_value(), std::move(host), port(), true};
}

void FakeUpstream::close_idle() {
  for (tcp::socket* socket : open_) {
    error_code ignored;
    socket->shutdown(tcp::socket::shutdown_both, ignored);
  }
}

asio::awaitable<void> FakeUpstream::accept() {
  for (;;) {
    error_code failed;
    tcp::socket socket =
        co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return;
    ++accepted;
    tasks_.spawn(tls_ ? serve_tls(std::move(socket)) : serve_plain(std::move(socket)));
  }
}

asio::awaitable<void> FakeUpstream::serve_plain(tcp::socket socket) { co_await converse(socket); }

asio::awaitable<void> FakeUpstream::serve_tls(tcp::socket socket) {
  if (!tls_->handshakes) {
    co_await wait_for_close(socket);
    ++ended;
    co_return;
  }
  TlsStream stream(std::move(socket), *context_);
  error_code failed;
  co_await stream.async_handshake(TlsStream::server,
                                  asio::redirect_error(asio::use_awaitable, failed));
  if (failed) {
    ++failed_handshakes;
    co_return;
  }
  ++handshakes;
  resumed += SSL_session_reused(stream.native_handle());
  const char* const name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
  names.emplace_back(name == nullptr ? "" : name);
  co_await converse(stream);
}

template <class Stream>
asio::awaitable<void> FakeUpstream::converse(Stream& stream) {
  tcp::socket& socket = socket_of(stream);
  open_.push_back(&socket);
  for (Act::Then then = Act::Then::keep; then == Act::Then::keep;) {
    std::string bytes;
    // The act is chosen when the request begins, so that one that reads nothing needs no request.
    const Act act = next_act();
    const bool read = co_await read_request(stream, bytes, act.read);
    if (!bytes.empty()) requests.push_back(bytes);
    if (!read) break;
    co_await write_answer(stream, act.answer, act.drip);
    then = act.then;
    if (then == Act::Then::hang) co_await wait_for_close(socket);
    if (then == Act::Then::stall) co_await relay::Wakeup(io_.get_executor()).wait();
    if (then == Act::Then::reset) socket.set_option(asio::socket_base::linger(true, 0));
  }
  std::erase(open_, &socket);
  ++ended;
}

Act FakeUpstream::next_act() {
  if (script.empty()) return usual;
  Act act = std::move(script.front());
  script.pop_front();
  return act;
}

}  // namespace support
