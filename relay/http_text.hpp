// A local request and its answer, free of any HTTP library: what the listener reads, what intake
// decides.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/system/error_code.hpp>

#include "proto/bytes.hpp"
#include "proto/decoding.hpp"
#include "relay/clock.hpp"

namespace relay {

class LargeRequest;

/// What stands in front of a chunk may be the begin of a last one, which is not to be shown to
/// Beast's parsers before it is long enough: they assert that it is, the second time that they see
/// it (Boost 1.81, beast/http/impl/basic_parser.ipp, parse_chunk_header).
[[nodiscard]] constexpr bool may_be_cut_last_chunk(std::string_view text) {
  constexpr std::string_view kShortest = "0\r\n\r\n";
  return text.size() < kShortest.size() && text.starts_with('0');
}

/// What the header of a local request says that matters to us. Not changed once it is read: the
/// requests of one SDK share it.
struct RequestHeader {
  std::string method;
  std::string target;  ///< path and query
  std::string host;
  std::string origin;  ///< "" if there is none; "null" if there are several
  std::string x_sentry_auth;
  std::string authorization;
  std::string content_type;
  std::string content_encoding;
  std::string user_agent;

  bool operator==(const RequestHeader&) const = default;
};

/// A local request; the body as it came over the wire, still encoded.
struct LocalRequest {
  std::shared_ptr<const RequestHeader> header;  ///< nullptr before the first byte of it
  proto::Bytes body;
  std::optional<SteadyTime> begun = {};  ///< to be worked at, if that takes several turns
  std::size_t body_bytes = 0;            ///< as it came, where Intake::unpacked() has taken it
  std::shared_ptr<proto::Decoding> unpacking = {};           ///< under way
  std::optional<proto::Result<proto::Bytes>> unpacked = {};  ///< what has come of it
  std::shared_ptr<LargeRequest> large = {};                  ///< its record is being written
};

struct Answer {
  unsigned status = 200;
  std::string body;
  std::string_view content_type = "application/json";
  std::string headers{};            ///< further complete lines, each with its CRLF
  boost::system::error_code why{};  ///< what was wrong with the request's form, where that was it
};

/// {"detail":"…"} with an optional cause, as Relay words its errors.
[[nodiscard]] Answer error_answer(unsigned status, std::string_view detail,
                                  std::string_view cause = {});

/// The reason phrase of the statuses we use.
[[nodiscard]] std::string_view reason_phrase(unsigned status);

/// Puts the answer, as it goes over the wire, into `wire`, whose memory may be that of an earlier
/// one. `close` adds Connection: close.
void to_wire(const Answer& answer, bool close, std::string& wire);

}  // namespace relay
