#include "relay/request_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

namespace relay {
namespace {

namespace http = boost::beast::http;
using boost::beast::iequals;

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

RequestReader::RequestReader(const ListenerSettings& settings) {
  header_limit(static_cast<std::uint32_t>(settings.max_header_bytes));
  body_limit(settings.max_body_bytes);
}

std::size_t RequestReader::take(std::string_view input, Error& ec) {
  ec = {};
  starved_ = false;
  std::size_t taken = 0;
  while (taken < input.size() && !complete()) {
    const std::string_view rest = input.substr(taken);
    if (length_ > 0) return taken + take_body(rest);
    taken += put(boost::asio::buffer(rest.data(), rest.size()), ec);
    if (!ec) continue;
    if (ec == http::error::need_more || ec == http::error::need_buffer) ec = {};
    break;
  }
  return taken;
}

std::size_t RequestReader::take_body(std::string_view input) {
  const auto room = rest_of_body();
  const std::size_t bytes = std::min(input.size(), room.size());
  if (bytes > 0) std::memcpy(room.data(), input.data(), bytes);
  filled(bytes);
  return bytes;
}

std::size_t RequestReader::wanted_room() const {
  const std::size_t room = request_.body.size();
  if (length_ > 0) return room == 0 ? length_ : 0;
  if (!starved_) return 0;
  return room == 0 ? kFirstChunk : 2 * room;
}

std::span<char> RequestReader::rest_of_body() {
  if (length_ == 0) return {};
  return {request_.body.data() + used_, request_.body.size() - used_};
}

bool RequestReader::take_expectation() {
  return is_header_done() && std::exchange(expects_continue_, false);
}

void RequestReader::on_request_impl(http::verb, View method, View target, int, Error&) {
  request_.method.assign(method.data(), method.size());
  request_.target.assign(target.data(), target.size());
}

void RequestReader::on_field_impl(Field field, View name, View value, Error& ec) {
  if (in_trailer_) return;
  if (field == Field::transfer_encoding &&
      (std::exchange(coded_, true) || !iequals(value, "chunked"))) {
    ec = http::error::bad_transfer_encoding;
    return;
  }
  if (field == Field::expect) expects_continue_ = iequals(value, "100-continue");
  for (std::size_t i = 0; i < kKept.size(); ++i) {
    if (field != kKept[i].field || (field == Field::unknown && !iequals(name, kSentryAuth)))
      continue;
    std::string& place = request_.*kKept[i].place;
    const unsigned bit = 1U << i;
    if ((seen_ & bit) == 0) {
      place.assign(value.data(), value.size());
    } else if (field == Field::origin) {
      place = "null";
    }
    seen_ |= bit;
  }
}

void RequestReader::on_header_impl(Error&) {
  in_trailer_ = true;
  if (const auto length = content_length()) length_ = static_cast<std::size_t>(*length);
}

std::size_t RequestReader::on_chunk_body_impl(std::uint64_t, View data, Error& ec) {
  const std::size_t bytes = std::min(data.size(), request_.body.size() - used_);
  if (bytes == 0) {
    starved_ = true;
    ec = http::error::need_buffer;
    return 0;
  }
  std::memcpy(request_.body.data() + used_, data.data(), bytes);
  filled(bytes);
  return bytes;
}

void RequestReader::on_finish_impl(Error&) { request_.body.resize(used_); }

}  // namespace relay
