#include "relay/listener.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <boost/asio/buffer.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include "proto/endpoint.hpp"
#include "relay/tunnel.hpp"

namespace relay {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr milliseconds kSweep{250};    // how finely receiving time is measured
constexpr milliseconds kLinger{2000};  // for a refused client to stop writing and read the answer
constexpr int kMostAhead = 16;         // requests of one client in one turn of the loop
constexpr std::size_t kMostRead = 512UL * 1024;      // of a body, in one turn of the loop
constexpr std::size_t kMostKept = 4UL * 1024;        // of an answer's memory, for the next one
constexpr std::size_t kLingerBytes = 1024UL * 1024;  // at least; a large body is read on to its end

asio::redirect_error_t<asio::use_awaitable_t<>> into(error_code& ec) {
  return asio::redirect_error(asio::use_awaitable, ec);
}

/// Whose words a refusal is put into; as far as the header was read.
bool is_for_tunnel(std::string_view target) {
  const auto endpoint = proto::match_endpoint(proto::split_target(target).path);
  return endpoint && endpoint->kind == proto::EndpointKind::tunnel;
}

/// Returns how much was there. What goes wrong goes wrong again at the next wait.
std::size_t read_at_once(asio::ip::tcp::socket& socket, std::span<char> place) {
  place = place.first(std::min(place.size(), kMostRead));
  if (place.empty()) return 0;
  error_code ec;
  return socket.read_some(asio::buffer(place.data(), place.size()), ec);
}

}  // namespace

/// What a client has sent and nobody has used yet; of an idle one nothing.
struct Listener::Input {
  /// Where it was read to, until that may be used again; then in `own`.
  std::string_view unused;
  std::string own;
  int ahead = 0;  ///< requests that were answered in this turn, with more behind them

  /// Before every wait.
  void keep() {
    if (unused.data() == own.data() && unused.size() == own.size()) return;
    std::string(unused).swap(own);
    unused = own;
  }

  void add(std::string_view text) {
    if (own.empty()) {
      unused = text;
    } else {
      own.append(text);
      unused = own;
    }
  }

  /// However much is sent ahead, the others have their turns.
  [[nodiscard]] bool ends_turn() {
    ahead = unused.empty() ? 0 : (ahead + 1) % kMostAhead;
    return !unused.empty() && ahead == 0;
  }

  void used(std::size_t bytes) { unused.remove_prefix(bytes); }
};

/// One request on its way in: its reader, and its body's share of the room for as long as it is
/// looked at.
struct Listener::Incoming {
  explicit Incoming(Listener& listener_in)
      : listener(listener_in), reader(std::move(listener.spare_reader_)) {
    if (reader == nullptr) reader = std::make_unique<RequestReader>(listener.settings_);
  }

  ~Incoming() {
    reader->restart();
    listener.spare_reader_ = std::move(reader);
  }

  Incoming(const Incoming&) = delete;
  Incoming& operator=(const Incoming&) = delete;

  /// Uses what has come. Stops where more bytes are needed, or more room than there is.
  error_code use(Input& input) {
    error_code ec;
    for (;;) {
      input.used(reader->take(input.unused, ec));
      const std::size_t wanted = ec ? 0 : reader->wanted_room();
      if (wanted == 0) return ec;
      // One that is here whole is gone before anybody else asks for room.
      if (wanted > input.unused.size()) {
        // Not before there is a body: who has sent half a header is not the oldest.
        if (!share) share.emplace(listener.room_);
        if (!share->grow(wanted)) return ec;
      }
      reader->give_room(wanted);
    }
  }

  Listener& listener;
  std::unique_ptr<RequestReader> reader;
  std::optional<ReceiveRoom::Share> share;
};

class Listener::Receiving {
 public:
  Receiving(Listener& listener, Client& client) : listener_(listener), client_(client) {
    client_.receiving = true;
    client_.timed_out = false;
    client_.awake = milliseconds{0};
    ++listener_.receiving_;
  }

  ~Receiving() {
    client_.receiving = false;
    --listener_.receiving_;
    listener_.place_.notify();
    client_.idle_since = listener_.touched();
  }

  Receiving(const Receiving&) = delete;
  Receiving& operator=(const Receiving&) = delete;

 private:
  Listener& listener_;
  Client& client_;
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

asio::awaitable<void> Listener::serve(Clients::iterator place, std::unique_ptr<Leaving>) {
  Client& client = *place;
  Input input;
  auto then = Then::next_request;
  while (then == Then::next_request) {
    if (input.unused.empty()) {
      // As read_more() does where something may be left: here nearly every request begins.
      input.keep();
      error_code ec;
      const auto first = asio::buffer(client.first);
      const std::size_t read = co_await client.socket.async_read_some(first, into(ec));
      if (ec) co_return;
      input.add({client.first.data(), read});
    }
    hooks_.first_byte();
    const Receiving receiving(*this, client);
    Incoming incoming(*this);
    RequestReader& reader = *incoming.reader;
    const error_code ec = take_in(client, input, incoming);
    // One that has come whole, as nearly all do, is answered without another wait.
    const bool ready = !ec && reader.complete() && hooks_.ready(reader.request());
    then = ready ? Then::answer : co_await get_ready(client, input, incoming, ec);
    if (then != Then::answer) continue;
    const std::string rest = answer_at_once(client, reader, then);
    if (!rest.empty() || input.ends_turn()) {
      then = co_await leave_turn(client, input, rest, then);
    }
  }
  if (then == Then::linger) co_await linger(client);
}

asio::awaitable<Listener::Then> Listener::get_ready(Client& client, Input& input,
                                                    Incoming& incoming, error_code ec) {
  RequestReader& reader = *incoming.reader;
  if (!ec && !reader.complete()) ec = co_await receive(client, input, incoming);
  if (ec) {
    const auto& header = reader.request().header;
    const bool told =
        co_await refuse(client, input, ec, header != nullptr && is_for_tunnel(header->target));
    co_return told ? Then::linger : Then::close;
  }
  while (!hooks_.ready(reader.request())) {
    touched();
    input.keep();
    co_await asio::post(executor_, asio::use_awaitable);
  }
  co_return Then::answer;
}

asio::awaitable<Listener::Then> Listener::leave_turn(Client& client, Input& input,
                                                     std::string_view rest, Then then) {
  if (!rest.empty()) {
    const error_code failed = co_await write(client, input, rest);
    if (failed) co_return Then::close;
  }
  input.keep();
  co_await asio::post(executor_, asio::use_awaitable);
  co_return then;
}

std::string Listener::answer_at_once(Client& client, RequestReader& reader, Then& then) {
  const bool keep_alive = reader.keeps_alive();
  to_wire(hooks_.answer(std::move(reader.request())), !keep_alive, wire_);
  error_code ec;
  const std::size_t sent = client.socket.write_some(asio::buffer(wire_), ec);
  if (ec == asio::error::would_block) ec = {};
  then = ec || !keep_alive ? Then::close : Then::next_request;
  if (ec) return {};
  std::string rest = wire_.substr(sent);
  if (wire_.capacity() > kMostKept) wire_ = {};
  return rest;
}

error_code Listener::take_in(Client& client, Input& input, Incoming& incoming) {
  RequestReader& reader = *incoming.reader;
  const error_code ec = incoming.use(input);
  if (ec || reader.complete()) return ec;
  if (const auto place = reader.rest_of_body(); !place.empty()) {
    reader.filled(read_at_once(client.socket, place));
    return {};
  }
  if (reader.wanted_room() > 0) return {};
  input.keep();
  const std::size_t read = read_at_once(client.socket, scratch_);
  input.add({scratch_.data(), read});
  return incoming.use(input);
}

asio::awaitable<error_code> Listener::read_more(Client& client, Input& input) {
  input.keep();
  // A chunk's extensions and the trailer have no limit of their own: this one is theirs.
  const std::size_t limit = settings_.max_header_bytes + kReadAhead;
  if (input.own.size() >= limit) co_return http::error::buffer_overflow;
  error_code ec;
  // Not into the scratch: it is anybody's until this one goes on.
  const auto first = asio::buffer(client.first);
  const std::size_t read = co_await client.socket.async_read_some(first, into(ec));
  if (!ec) input.add({client.first.data(), read});
  co_return ec;
}

/// Room that becomes free meanwhile is told of only once: it is looked for behind the wait.
asio::awaitable<error_code> Listener::tell_to_go_on(Client& client, Input& input,
                                                    Incoming& incoming) {
  const error_code failed = co_await write(client, input, "HTTP/1.1 100 Continue\r\n\r\n");
  co_return failed ? failed : incoming.use(input);
}

asio::awaitable<error_code> Listener::receive(Client& client, Input& input, Incoming& incoming) {
  RequestReader& reader = *incoming.reader;
  touched();  // of one that has come whole the end says enough
  someone_receives_.notify();
  error_code ec;
  while (!ec && !reader.complete()) {
    if (reader.take_expectation()) {
      ec = co_await tell_to_go_on(client, input, incoming);
    } else if (reader.wanted_room() > 0) {
      if (client.timed_out) co_return asio::error::timed_out;
      input.keep();
      co_await room_.freed();
      ec = incoming.use(input);
    } else if (const auto place = reader.rest_of_body(); !place.empty()) {
      // All that has come so far is in the body.
      input.keep();
      const auto buffer = asio::buffer(place.data(), std::min(place.size(), kMostRead));
      reader.filled(co_await client.socket.async_read_some(buffer, into(ec)));
    } else {
      ec = co_await read_more(client, input);
      if (!ec) ec = take_in(client, input, incoming);
    }
  }
  co_return ec;
}

asio::awaitable<bool> Listener::refuse(Client& client, Input& input, error_code why, bool tunnel) {
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
    co_return false;
  }
  hooks_.unanswerable(reason);
  if (tunnel) answer = tunnel_answer(std::move(answer));
  std::string wire;
  to_wire(answer, true, wire);
  const error_code failed = co_await write(client, input, wire);
  co_return !failed;
}

asio::awaitable<error_code> Listener::write(Client& client, Input& input, std::string_view wire) {
  input.keep();
  someone_receives_.notify();
  error_code ec;
  co_await asio::async_write(client.socket, asio::buffer(wire), into(ec));
  co_return ec;
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
      co_await make_place(acceptor);
      continue;
    }
    // The other acceptor, or requests begun meanwhile, may have taken every place.
    while (full() && !close_longest_idle()) co_await place_.wait();
    socket.set_option(tcp::no_delay(true), ec);
    socket.non_blocking(true, ec);
    Clients one;
    const auto client = one.emplace(one.end(), std::move(socket));
    client->idle_since = clock_.now();
    auto leaving = std::make_unique<Leaving>(*this, client);
    clients_.splice(clients_.end(), one);  // only once somebody takes it off again
    tasks_.spawn(serve(client, std::move(leaving)));
  }
}

}  // namespace relay
