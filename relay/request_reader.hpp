// One local request out of the bytes of its connection, however they come. Pure: bytes in, a
// LocalRequest out. The grammar and its limits are Beast's; of a header only what matters is kept.
// A reader may be used for one request after the other, of any connection: the header that comes
// again and again is read once (known_header).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "relay/http_text.hpp"
#include "relay/settings.hpp"

namespace relay {

class RequestReader {
 public:
  explicit RequestReader(const ListenerSettings& settings);
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;
  ~RequestReader();

  /// Uses what it can of `input`, and returns how many bytes that was. It stops where it needs more
  /// of them, or room for the body. Errors: Beast's http::error; no more is to be read then.
  [[nodiscard]] std::size_t take(std::string_view input, boost::system::error_code& ec);

  /// For the next request.
  void restart();

  [[nodiscard]] bool complete() const;

  /// How large the body has to become before more of it is taken; 0: large enough. One of unknown
  /// length grows geometrically.
  [[nodiscard]] std::size_t wanted_room() const;
  void give_room(std::size_t bytes);

  /// Where the rest of a body of known length may be read straight to, once it has its room; empty
  /// for any other.
  [[nodiscard]] std::span<char> rest_of_body();
  void filled(std::size_t bytes);

  /// The client waits for 100 Continue before it sends the body. True once.
  [[nodiscard]] bool take_expectation();

  [[nodiscard]] bool keeps_alive() const;

  /// As far as it has been read.
  [[nodiscard]] LocalRequest& request();

 private:
  class Parser;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace relay
