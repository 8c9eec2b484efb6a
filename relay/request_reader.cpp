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

namespace relay {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;
using boost::system::error_code;

constexpr std::size_t kFirstChunk = 16UL * 1024;  // of a body whose length is not known
constexpr const char* kSentryAuth = "X-Sentry-Auth";

struct Kept {
  http::field field;
  std::string LocalRequest::* place;
};

constexpr std::array kKept{
    Kept{http::field::host, &LocalRequest::host},
    Kept{http::field::origin, &LocalRequest::origin},
    Kept{http::field::unknown, &LocalRequest::x_sentry_auth},
    Kept{http::field::authorization, &LocalRequest::authorization},
    Kept{http::field::content_type, &LocalRequest::content_type},
    Kept{http::field::content_encoding, &LocalRequest::content_encoding},
    Kept{http::field::user_agent, &LocalRequest::user_agent},
};

}  // namespace

class RequestReader::Parser final : public http::basic_parser<true> {
 public:
  Parser(const ListenerSettings& settings, LocalRequest& request_in) : request(request_in) {
    header_limit(static_cast<std::uint32_t>(settings.max_header_bytes));
    body_limit(settings.max_body_bytes);
  }

  [[nodiscard]] bool complete() const { return is_done() || (length > 0 && used == length); }

  [[nodiscard]] std::span<char> room() {
    return {request.body.data() + used, request.body.size() - used};
  }

  /// Returns how much of it had room.
  std::size_t put_body(std::string_view data) {
    const auto place = room();
    const std::size_t bytes = std::min(data.size(), place.size());
    if (bytes > 0) std::memcpy(place.data(), data.data(), bytes);
    used += bytes;
    return bytes;
  }

  LocalRequest& request;
  std::size_t length = 0;  ///< of the body, where the header says so
  std::size_t used = 0;    ///< of the body's room
  bool expects_continue = false;
  bool starved = false;  ///< a chunk found no room

 private:
  using View = boost::beast::string_view;

  void on_request_impl(http::verb, View method, View target, int, error_code&) override {
    request.method.assign(method.data(), method.size());
    request.target.assign(target.data(), target.size());
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
    if (field == http::field::expect) expects_continue = iequals(value, "100-continue");
    if (field == http::field::unknown && !iequals(name, kSentryAuth)) return;
    const auto kept = std::ranges::find(kKept, field, &Kept::field);
    if (kept != kKept.end()) keep(static_cast<std::size_t>(kept - kKept.begin()), value);
  }

  /// Of several the first counts; several origins are none to go by.
  void keep(std::size_t which, View value) {
    std::string& place = request.*kKept[which].place;
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
    if (const auto known = content_length()) length = static_cast<std::size_t>(*known);
  }

  std::size_t on_chunk_body_impl(std::uint64_t, View data, error_code& ec) override {
    const std::size_t bytes = put_body({data.data(), data.size()});
    starved = bytes == 0;
    if (starved) ec = http::error::need_buffer;
    return bytes;
  }

  void on_finish_impl(error_code&) override { request.body.resize(used); }

  void on_response_impl(int, View, int, error_code&) override {}

  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}

  std::size_t on_body_impl(View data, error_code&) override { return data.size(); }

  void on_chunk_header_impl(std::uint64_t, View, error_code&) override {}

  unsigned seen_ = 0;        ///< a bit for each of kKept that was there
  bool coded_ = false;       ///< a transfer coding was named
  bool in_trailer_ = false;  ///< what comes now is no header any more
};

/// Beast's parsers are for one message each.
struct RequestReader::Parts {
  explicit Parts(const ListenerSettings& settings_in)
      : settings(settings_in), parser(std::in_place, settings, request) {}

  ListenerSettings settings;
  LocalRequest request;
  std::optional<Parser> parser;
};

RequestReader::RequestReader(const ListenerSettings& settings)
    : parts_(std::make_unique<Parts>(settings)) {}

RequestReader::~RequestReader() = default;

void RequestReader::restart() {
  parts_->request.clear();
  parts_->parser.emplace(parts_->settings, parts_->request);
}

std::size_t RequestReader::take(std::string_view input, error_code& ec) {
  Parser& parser = *parts_->parser;
  ec = {};
  parser.starved = false;
  std::size_t taken = 0;
  while (taken < input.size() && !parser.complete()) {
    const std::string_view rest = input.substr(taken);
    if (parser.length > 0) return taken + parser.put_body(rest);
    if (parser.is_header_done() && parser.chunked() && may_be_cut_last_chunk(rest)) break;
    taken += parser.put(boost::asio::buffer(rest.data(), rest.size()), ec);
    if (!ec) continue;
    if (ec == http::error::need_more || ec == http::error::need_buffer) ec = {};
    break;
  }
  return taken;
}

bool RequestReader::complete() const { return parts_->parser->complete(); }

std::size_t RequestReader::wanted_room() const {
  const Parser& parser = *parts_->parser;
  const std::size_t room = parts_->request.body.size();
  if (parser.length > 0) return room == 0 ? parser.length : 0;
  if (!parser.starved) return 0;
  return room == 0 ? kFirstChunk : 2 * room;
}

void RequestReader::give_room(std::size_t bytes) { parts_->request.body.resize(bytes); }

std::span<char> RequestReader::rest_of_body() {
  return parts_->parser->length > 0 ? parts_->parser->room() : std::span<char>();
}

void RequestReader::filled(std::size_t bytes) { parts_->parser->used += bytes; }

bool RequestReader::take_expectation() {
  Parser& parser = *parts_->parser;
  return parser.is_header_done() && std::exchange(parser.expects_continue, false);
}

bool RequestReader::keeps_alive() const {
  return parts_->parser->is_header_done() && parts_->parser->keep_alive();
}

LocalRequest& RequestReader::request() { return parts_->request; }

}  // namespace relay
