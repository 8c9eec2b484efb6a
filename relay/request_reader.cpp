#include "relay/request_reader.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include "relay/known_header.hpp"

namespace relay {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;
using boost::system::error_code;

constexpr std::size_t kFirstChunk = 16UL * 1024;  // of a body whose length is not known
constexpr const char* kSentryAuth = "X-Sentry-Auth";

struct Kept {
  http::field field;
  std::string RequestHeader::* place;
};

constexpr std::array kKept{
    Kept{http::field::host, &RequestHeader::host},
    Kept{http::field::origin, &RequestHeader::origin},
    Kept{http::field::unknown, &RequestHeader::x_sentry_auth},
    Kept{http::field::authorization, &RequestHeader::authorization},
    Kept{http::field::content_type, &RequestHeader::content_type},
    Kept{http::field::content_encoding, &RequestHeader::content_encoding},
    Kept{http::field::user_agent, &RequestHeader::user_agent},
};

/// What there is of a body, and the room for the rest of it.
struct Body {
  proto::Bytes& bytes;
  std::size_t length = 0;  ///< where the header says so
  std::size_t used = 0;    ///< of the room

  [[nodiscard]] bool complete() const { return length > 0 && used == length; }

  [[nodiscard]] std::span<char> room() { return {bytes.data() + used, bytes.size() - used}; }

  /// Returns how much of it had room.
  std::size_t put(std::string_view data) {
    const auto place = room();
    const std::size_t count = std::min(data.size(), place.size());
    if (count > 0) std::memcpy(place.data(), data.data(), count);
    used += count;
    return count;
  }
};

}  // namespace

/// Beast's parsers are for one message each.
class RequestReader::Parser final : public http::basic_parser<true> {
 public:
  Parser(const ListenerSettings& settings, std::shared_ptr<RequestHeader> header, Body& body)
      : header_(std::move(header)), body_(body) {
    header_limit(static_cast<std::uint32_t>(settings.max_header_bytes));
    body_limit(settings.max_body_bytes);
  }

  boost::beast::string_view length;  ///< the last Content-Length, as long as its bytes are there
  int lengths = 0;                   ///< how many there are: one may say the same again
  bool expects_continue = false;
  bool starved = false;  ///< a chunk found no room

 private:
  using View = boost::beast::string_view;

  void on_request_impl(http::verb, View method, View target, int, error_code&) override {
    header_->method.assign(method.data(), method.size());
    header_->target.assign(target.data(), target.size());
  }

  void on_field_impl(http::field field, View name, View value, error_code& ec) override {
    if (in_trailer_) return;
    // Of several codings, or another than "chunked", nobody knows where the body ends; what is
    // behind it must not become a request (RFC 9112 §6.3).
    if (field == http::field::transfer_encoding &&
        (std::exchange(coded_, true) || !iequals(value, "chunked"))) {
      ec = http::error::bad_transfer_encoding;
      return;
    }
    if (field == http::field::content_length) {
      length = value;
      ++lengths;
    }
    if (field == http::field::expect) expects_continue = iequals(value, "100-continue");
    if (field == http::field::unknown && !iequals(name, kSentryAuth)) return;
    const auto kept = std::ranges::find(kKept, field, &Kept::field);
    if (kept != kKept.end()) keep(static_cast<std::size_t>(kept - kKept.begin()), value);
  }

  /// Of several the first counts; several origins are none to go by.
  void keep(std::size_t which, View value) {
    std::string& place = header_.get()->*kKept[which].place;
    const unsigned bit = 1U << which;
    if ((seen_ & bit) == 0) {
      place.assign(value.data(), value.size());
    } else if (kKept[which].field == http::field::origin) {
      place = "null";
    }
    seen_ |= bit;
  }

  void on_header_impl(error_code&) override {
    in_trailer_ = true;
    if (const auto known = content_length()) body_.length = static_cast<std::size_t>(*known);
  }

  std::size_t on_chunk_body_impl(std::uint64_t, View data, error_code& ec) override {
    const std::size_t bytes = body_.put({data.data(), data.size()});
    starved = bytes == 0;
    if (starved) ec = http::error::need_buffer;
    return bytes;
  }

  void on_finish_impl(error_code&) override { body_.bytes.resize(body_.used); }

  void on_response_impl(int, View, int, error_code&) override {}

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(View data, error_code&) override { return data.size(); }

  void on_chunk_header_impl(std::uint64_t, View, error_code&) override {}

  std::shared_ptr<RequestHeader> header_;
  Body& body_;
  unsigned seen_ = 0;        ///< a bit for each of kKept that was there
  bool coded_ = false;       ///< a transfer coding was named
  bool in_trailer_ = false;  ///< what comes now is no header any more
};

struct RequestReader::Parts {
  explicit Parts(const ListenerSettings& settings_in) : settings(settings_in) {}

  /// Of a request's first bytes: how many of them are a header that needs no parser.
  [[nodiscard]] std::size_t take_known(std::string_view input) {
    const auto match = known.match(input);
    if (!match || match->header_bytes > settings.max_header_bytes ||
        match->body_bytes > settings.max_body_bytes) {
      return 0;
    }
    request.header = known.meaning();
    body.length = match->body_bytes;
    return match->header_bytes;
  }

  /// For a header that is new, or comes in parts.
  void begin() {
    const auto header = std::make_shared<RequestHeader>();
    request.header = header;
    parser.emplace(settings, header, body);
  }

  /// Adds what it uses to `taken`. False: it needs more than there is, or more room, or fails.
  [[nodiscard]] bool parse(std::string_view rest, std::size_t& taken, error_code& ec) {
    parser->starved = false;
    const bool in_header = !parser->is_header_done();
    if (!in_header && parser->chunked() && may_be_cut_last_chunk(rest)) return false;
    const bool first = !parser->got_some();
    const std::size_t used = parser->put(boost::asio::buffer(rest.data(), rest.size()), ec);
    taken += used;
    if (in_header && !ec && parser->is_header_done()) {
      end_header(first ? rest.substr(0, used) : std::string_view());
    }
    if (!ec) return true;
    if (ec == http::error::need_more || ec == http::error::need_buffer) ec = {};
    return false;
  }

  /// `text`: the whole header; "" where it came in parts.
  void end_header(std::string_view text) {
    const bool again = last != nullptr && *last == *request.header;
    // Of one that says the same as the last, a chunked body's too, nothing is made anew.
    if (again) request.header = last;
    last = request.header;
    const bool usual = body.length > 0 && parser->lengths == 1 && !parser->expects_continue;
    if (!again || !usual || text.empty()) return;
    known.learn(text, {parser->length.data(), parser->length.size()}, last, parser->keep_alive());
  }

  ListenerSettings settings;
  LocalRequest request;
  Body body{request.body};
  std::optional<Parser> parser;  ///< none: nothing has come yet, or a known header
  KnownHeader known;
  std::shared_ptr<const RequestHeader> last;  ///< that was parsed
};

RequestReader::RequestReader(const ListenerSettings& settings)
    : parts_(std::make_unique<Parts>(settings)) {}

RequestReader::~RequestReader() = default;

void RequestReader::restart() {
  parts_->request = {};
  parts_->body.length = parts_->body.used = 0;
  parts_->parser.reset();
}

std::size_t RequestReader::take(std::string_view input, error_code& ec) {
  Parts& parts = *parts_;
  ec = {};
  std::size_t taken = 0;
  if (parts.request.header == nullptr) {
    taken = parts.take_known(input);
    if (taken == 0) parts.begin();
  }
  while (taken < input.size() && !complete()) {
    const std::string_view rest = input.substr(taken);
    if (parts.body.length > 0) return taken + parts.body.put(rest);
    if (!parts.parse(rest, taken, ec)) break;
  }
  return taken;
}

bool RequestReader::complete() const {
  return parts_->body.complete() || (parts_->parser && parts_->parser->is_done());
}

std::size_t RequestReader::wanted_room() const {
  const Body& body = parts_->body;
  const std::size_t room = body.bytes.size();
  if (body.length > 0) return room == 0 ? body.length : 0;
  if (!parts_->parser || !parts_->parser->starved) return 0;
  return room == 0 ? kFirstChunk : 2 * room;
}

void RequestReader::give_room(std::size_t bytes) { parts_->request.body.resize(bytes); }

std::span<char> RequestReader::rest_of_body() {
  return parts_->body.length > 0 ? parts_->body.room() : std::span<char>();
}

void RequestReader::filled(std::size_t bytes) { parts_->body.used += bytes; }

bool RequestReader::take_expectation() {
  auto& parser = parts_->parser;
  return parser && parser->is_header_done() && std::exchange(parser->expects_continue, false);
}

bool RequestReader::keeps_alive() const {
  const auto& parser = parts_->parser;
  if (!parser) return parts_->known.keeps_alive();
  return parser->is_header_done() && parser->keep_alive();
}

LocalRequest& RequestReader::request() { return parts_->request; }

}  // namespace relay
