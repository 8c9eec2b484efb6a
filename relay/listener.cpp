#include "relay/listener.hpp"

#include <algorithm>
#include <array>

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include "proto/endpoint.hpp"
#include "relay/tunnel.hpp"

namespace relay {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using RequestParser = http::request_parser<http::buffer_body>;

constexpr std::size_t kReadAhead = 16UL * 1024;   // one read takes a usual header and body together
constexpr std::size_t kFirstChunk = 16UL * 1024;  // of a body whose length is not known
constexpr milliseconds kSweep{250};               // how finely receiving time is measured
constexpr milliseconds kAcceptPause{100};  // after accept failed: out of descriptors, most likely
constexpr milliseconds kLinger{2000};  // for a refused client to stop writing and read the answer
constexpr std::size_t kLingerBytes = 1024UL * 1024;  // at least; a large body is read on to its end

asio::redirect_error_t<asio::use_awaitable_t<>> into(error_code& ec) {
  return asio::redirect_error(asio::use_awaitable, ec);
}

std::string text(boost::beast::string_view view) { return {view.data(), view.size()}; }

LocalRequest request_of(const RequestParser& parser) {
  const auto& header = parser.get();
  LocalRequest request;
  request.method = text(header.method_string());
  request.target = text(header.target());
  request.host = text(header[http::field::host]);
  request.origin = header.count(http::field::origin) > 1 ? std::string("null")
                                                         : text(header[http::field::origin]);
  request.x_sentry_auth = text(header["X-Sentry-Auth"]);
  request.authorization = text(header[http::field::authorization]);
  request.content_type = text(header[http::field::content_type]);
  request.content_encoding = text(header[http::field::content_encoding]);
  request.user_agent = text(header[http::field::user_agent]);
  return request;
}

/// RFC 9112 §6.3: where the last of several codings, or another than "chunked", makes up the body,
/// nobody knows where it ends; what is behind it must not become a request.
bool length_is_known(const RequestParser& parser) {
  const auto& header = parser.get();
  const auto codings = header.count(http::field::transfer_encoding);
  return codings == 0 ||
         (codings == 1 && boost::beast::iequals(header[http::field::transfer_encoding], "chunked"));
}

/// Whose words a refusal is put into; as far as the header was read.
bool is_for_tunnel(const RequestParser& parser) {
  const std::string target = text(parser.get().target());
  const auto endpoint = proto::match_endpoint(target.substr(0, target.find('?')));
  return endpoint && endpoint->kind == proto::EndpointKind::tunnel;
}

}  // namespace

struct Listener::Input {
  /// A chunk's extensions and the trailer have no limit of their own: the buffer's is theirs.
  explicit Input(std::size_t max_header_bytes) : buffer(max_header_bytes + kReadAhead) {}

  boost::beast::flat_buffer buffer;
};

class Listener::Receiving {
 public:
  Receiving(Listener& listener, Client& client) : listener_(listener), client_(client) {
    client_.receiving = true;
    client_.timed_out = false;
    client_.awake = milliseconds{0};
    ++listener_.receiving_;
    listener_.someone_receives_.notify();
    listener_.touched();
  }

  ~Receiving() {
    client_.receiving = false;
    client_.idle_since = listener_.clock_.now();
    --listener_.receiving_;
    listener_.place_.notify();
    listener_.touched();
  }

  Receiving(const Receiving&) = delete;
  Receiving& operator=(const Receiving&) = delete;

 private:
  Listener& listener_;
  Client& client_;
};

/// Reads one body into place, and holds its share of the room for as long as it is looked at.
class Listener::BodyReader {
 public:
  BodyReader(Listener& listener, Client& client) : room_(listener.room_), client_(client) {}

  /// Grows a body of unknown length geometrically; the parser's own limit ends it.
  asio::awaitable<error_code> read(boost::beast::flat_buffer& input, RequestParser& parser,
                                   proto::Bytes& body) {
    error_code ec;
    std::size_t used = 0;
    const auto length = parser.content_length();
    std::size_t wanted = length ? static_cast<std::size_t>(*length) : kFirstChunk;
    while (!parser.is_done()) {
      if (used == body.size()) {
        if (!co_await grow(body, wanted)) co_return asio::error::timed_out;
        wanted *= 2;
      }
      auto& place = parser.get().body();
      place.data = body.data() + used;
      place.size = body.size() - used;
      const std::size_t room = place.size;
      co_await http::async_read(client_.socket, input, parser, into(ec));
      used += room - place.size;
      if (ec == http::error::need_buffer) ec = {};
      if (ec) co_return ec;
    }
    body.resize(used);
    co_return ec;
  }

 private:
  /// False when the client's time was over before there was room.
  asio::awaitable<bool> grow(proto::Bytes& body, std::size_t bytes) {
    // Not before there is a body: who has sent half a header is not the oldest.
    if (!share_) share_.emplace(room_);
    while (!share_->grow(bytes)) {
      if (client_.timed_out) co_return false;
      co_await room_.freed();
    }
    body.resize(bytes);
    co_return true;
  }

  ReceiveRoom& room_;
  Client& client_;
  std::optional<ReceiveRoom::Share> share_;
};

class Listener::Leaving {
 public:
  Leaving(Listener& listener, Clients::iterator client) : listener_(listener), client_(client) {}

  ~Leaving() {
    listener_.clients_.erase(client_);
    listener_.place_.notify();
  }

  Leaving(const Leaving&) = delete;
  Leaving& operator=(const Leaving&) = delete;

 private:
  Listener& listener_;
  Clients::iterator client_;
};

asio::awaitable<void> Listener::serve(Clients::iterator client, std::unique_ptr<Leaving>) {
  Input input(settings_.max_header_bytes);
  Then then = Then::next_request;
  while (then == Then::next_request) then = co_await serve_one(*client, input);
  if (then == Then::linger) co_await linger(*client);
}

asio::awaitable<Listener::Then> Listener::serve_one(Client& client, Input& input) {
  error_code ec;
  if (input.buffer.size() == 0) {
    const auto room = input.buffer.prepare(kReadAhead);
    input.buffer.commit(co_await client.socket.async_read_some(room, into(ec)));
    if (ec) co_return Then::close;
  }
  hooks_.first_byte();
  const Receiving receiving(*this, client);
  BodyReader body(*this, client);
  LocalRequest request;
  bool keep_alive = false;
  const Reading reading = co_await read_request(client, input, body, request, keep_alive);
  if (reading == Reading::refused) co_return Then::linger;
  if (reading == Reading::gone) co_return Then::close;
  const Answer answer = hooks_.answer(std::move(request));
  const bool written = co_await write(client, answer, !keep_alive);
  if (!written || !keep_alive) co_return Then::close;
  co_return Then::next_request;
}

asio::awaitable<Listener::Reading> Listener::read_request(Client& client, Input& input,
                                                          BodyReader& body, LocalRequest& request,
                                                          bool& keep_alive) {
  error_code ec;
  RequestParser parser;
  parser.header_limit(static_cast<std::uint32_t>(settings_.max_header_bytes));
  parser.body_limit(settings_.max_body_bytes);
  co_await http::async_read_header(client.socket, input.buffer, parser, into(ec));
  if (!ec && !length_is_known(parser)) ec = http::error::bad_transfer_encoding;
  if (ec) co_return co_await refuse(client, ec, is_for_tunnel(parser));
  keep_alive = parser.get().keep_alive();
  request = request_of(parser);
  if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue") &&
      !parser.is_done()) {
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    co_await asio::async_write(client.socket, asio::buffer(kContinue), into(ec));
    if (ec) co_return co_await refuse(client, ec, is_for_tunnel(parser));
  }
  ec = co_await body.read(input.buffer, parser, request.body);
  if (ec) co_return co_await refuse(client, ec, is_for_tunnel(parser));
  co_return Reading::complete;
}

asio::awaitable<Listener::Reading> Listener::refuse(Client& client, error_code why, bool tunnel) {
  Answer answer;
  RejectReason reason = RejectReason::malformed;
  if (client.timed_out) {
    reason = RejectReason::timeout;
    answer = error_answer(408, "request not received in time; see THAW_READ_MS");
  } else if (why == http::error::body_limit) {
    reason = RejectReason::too_large;
    answer = Answer{413, "Failed to buffer the request body: length limit exceeded", "text/plain"};
  } else if (why == http::error::header_limit || why == http::error::buffer_overflow) {
    reason = RejectReason::too_large;
    answer = error_answer(431, "request header too large");
  } else if (why.category() == http::make_error_code(http::error::bad_method).category() &&
             why != http::error::end_of_stream && why != http::error::partial_message) {
    answer = error_answer(400, "malformed HTTP request", why.message());
  } else {
    hooks_.unanswerable(RejectReason::abandoned);
    co_return Reading::gone;
  }
  hooks_.unanswerable(reason);
  if (tunnel) answer = tunnel_answer(std::move(answer));
  co_return co_await write(client, answer, true) ? Reading::refused : Reading::gone;
}

asio::awaitable<bool> Listener::write(Client& client, const Answer& answer, bool close) {
  error_code ec;
  const std::string wire = to_wire(answer, close);
  co_await asio::async_write(client.socket, asio::buffer(wire), into(ec));
  touched();
  co_return !ec;
}

/// Closing with unread bytes would reset the connection and take the answer with it: say the end,
/// then read on for a while. The request has been answered by now and holds nothing up.
asio::awaitable<void> Listener::linger(Client& client) {
  using asio::experimental::awaitable_operators::operator||;
  error_code ec;
  client.socket.shutdown(tcp::socket::shutdown_send, ec);
  co_await (discard(client) || clock_.sleep_until(clock_.now() + kLinger));
}

asio::awaitable<void> Listener::discard(Client& client) {
  error_code ec;
  std::array<char, 4096> rest{};
  const std::size_t limit = std::max(kLingerBytes, 2 * settings_.max_body_bytes);
  for (std::size_t read = 0; !ec && read < limit;) {
    read += co_await client.socket.async_read_some(asio::buffer(rest), into(ec));
  }
}

/// One timer for all connections. Counts awake time in slices: however long a freeze was, it adds
/// one.
asio::awaitable<void> Listener::sweep() {
  const milliseconds slice = std::min(kSweep, std::max(settings_.read / 4, milliseconds{1}));
  for (;;) {
    while (receiving_ == 0) co_await someone_receives_.wait();
    co_await clock_.sleep_until(clock_.now() + slice);
    for (auto& client : clients_) {
      if (!client.receiving) continue;
      client.awake += slice;
      if (client.awake < settings_.read) continue;
      client.timed_out = true;
      room_.wake();
      client.awake = milliseconds{0};
      error_code ec;
      client.socket.cancel(ec);
    }
  }
}

asio::awaitable<void> Listener::accept(tcp::acceptor& acceptor) {
  for (;;) {
    while (full() && longest_idle() == clients_.end()) co_await place_.wait();
    error_code ec;
    tcp::socket socket = co_await acceptor.async_accept(into(ec));
    if (ec == asio::error::operation_aborted || ec == asio::error::bad_descriptor) co_return;
    if (ec) {
      log_.once("accept", LogLevel::warn,
                "cannot accept a local connection: " + ec.message() + "; trying again");
      if (!close_longest_idle()) co_await clock_.sleep_until(clock_.now() + kAcceptPause);
      continue;
    }
    // The other acceptor, or requests begun meanwhile, may have taken every place.
    while (full() && !close_longest_idle()) co_await place_.wait();
    socket.set_option(tcp::no_delay(true), ec);
    const auto client = clients_.emplace(clients_.end(), std::move(socket));
    client->idle_since = clock_.now();
    tasks_.spawn(serve(client, std::make_unique<Leaving>(*this, client)));
  }
}

}  // namespace relay
