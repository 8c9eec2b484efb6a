// One local request out of the bytes of its connection, however they come. Pure: bytes in, a
// LocalRequest out. The grammar and its limits are Beast's; of a header only what matters is kept.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>
#include <boost/system/error_code.hpp>

#include "relay/http_text.hpp"
#include "relay/settings.hpp"

namespace relay {

class RequestReader final : private boost::beast::http::basic_parser<true> {
 public:
  explicit RequestReader(const ListenerSettings& settings);

  /// Uses what it can of `input`, and returns how many bytes that was. It stops where it needs more
  /// of them, or room for the body. Errors: Beast's http::error; no more is to be read then.
  [[nodiscard]] std::size_t take(std::string_view input, boost::system::error_code& ec);

  [[nodiscard]] bool complete() const { return is_done() || (length_ > 0 && used_ == length_); }

  /// How large the body has to become before more of it is taken; 0: large enough. One of unknown
  /// length grows geometrically.
  [[nodiscard]] std::size_t wanted_room() const;

  void give_room(std::size_t bytes) { request_.body.resize(bytes); }

  /// Where the rest of a body of known length may be read straight to, once it has its room; empty
  /// for any other.
  [[nodiscard]] std::span<char> rest_of_body();

  void filled(std::size_t bytes) { used_ += bytes; }

  /// The client waits for 100 Continue before it sends the body. True once.
  [[nodiscard]] bool take_expectation();

  [[nodiscard]] bool keeps_alive() const { return is_header_done() && keep_alive(); }

  /// As far as it has been read.
  [[nodiscard]] LocalRequest& request() { return request_; }

 private:
  using Field = boost::beast::http::field;
  using View = boost::beast::string_view;
  using Error = boost::system::error_code;

  [[nodiscard]] std::size_t take_body(std::string_view input);

  void on_request_impl(boost::beast::http::verb, View method, View target, int, Error&) override;
  void on_field_impl(Field field, View name, View value, Error&) override;
  void on_header_impl(Error&) override;
  std::size_t on_chunk_body_impl(std::uint64_t, View data, Error& ec) override;
  void on_finish_impl(Error&) override;

  void on_response_impl(int, View, int, Error&) override {}

  void on_body_init_impl(const boost::optional<std::uint64_t>&, Error&) override {}

  std::size_t on_body_impl(View data, Error&) override { return data.size(); }

  void on_chunk_header_impl(std::uint64_t, View, Error&) override {}

  LocalRequest request_;
  unsigned seen_ = 0;       ///< one bit a header that was there: of several the first counts
  std::size_t length_ = 0;  ///< of the body, where the header says so
  std::size_t used_ = 0;    ///< of the body's room
  /// Of several codings, or another than "chunked", nobody knows where the body ends; what is
  /// behind it must not become a request (RFC 9112 §6.3).
  bool coded_ = false;
  bool expects_continue_ = false;
  bool starved_ = false;     ///< a chunk found no room
  bool in_trailer_ = false;  ///< what comes now is no header any more
};

}  // namespace relay
