#include "relay/refusal.hpp"

#include "proto/errc.hpp"

namespace relay {
namespace {

Answer words(boost::system::error_code why) {
  using proto::Errc;
  switch (static_cast<Errc>(why.value())) {
    case Errc::encoding_unknown:
      return {415, "", "", "Accept-Encoding: zstd,gzip,deflate,br\r\n"};
    case Errc::encoding_too_large:
      return {413, "Failed to buffer the request body: length limit exceeded", "text/plain"};
    case Errc::encoding_corrupt:
    case Errc::encoding_truncated:
      return {400, "Failed to buffer the request body: " + why.message(), "text/plain"};
    case Errc::auth_missing:
    case Errc::auth_multiple:
    case Errc::auth_invalid:
    case Errc::auth_envelope:
      return error_answer(401, why.message());
    case Errc::auth_key:
    case Errc::auth_version:
    case Errc::envelope_empty_body:
    case Errc::envelope_internal_items:
    case Errc::dsn_project:
      return error_answer(400, why.message());
    case Errc::envelope_item_too_large:
      return error_answer(413, why.message());
    case Errc::envelope_invalid_dsn:
      return error_answer(400, "invalid event envelope",
                          make_error_code(Errc::envelope_invalid_header).message());
    default:
      return error_answer(400, "invalid event envelope", why.message());
  }
}

}  // namespace

Answer format_answer(boost::system::error_code why) {
  Answer answer = words(why);
  answer.why = why;
  return answer;
}

RejectReason format_reason(unsigned status) {
  switch (status) {
    case 401:
      return RejectReason::unauthorized;
    case 413:
      return RejectReason::too_large;
    case 415:
      return RejectReason::unknown_encoding;
    default:
      return RejectReason::malformed;
  }
}

}  // namespace relay
