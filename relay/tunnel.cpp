#include "relay/tunnel.hpp"

#include <string>
#include <string_view>

#include "proto/errc.hpp"
#include "proto/json.hpp"

namespace relay {
namespace {

Answer tunnel_error(unsigned status, std::string_view error) {
  return {status, "{\"error\":" + proto::json_quote(error) + "}"};
}

/// The body of an answer of ours: JSON with a "detail", plain text, or nothing.
std::string reworded(const Answer& answer) {
  constexpr std::string_view kDetail = "{\"detail\":";
  const std::string_view body = answer.body;
  if (body.starts_with(kDetail)) return "{\"error\":" + std::string(body.substr(kDetail.size()));
  return tunnel_error(answer.status, body.empty() ? reason_phrase(answer.status) : body).body;
}

}  // namespace

Answer tunnel_answer(Answer answer) {
  using proto::Errc;
  if (answer.why == Errc::auth_envelope || answer.why == Errc::envelope_empty_body ||
      answer.why == Errc::envelope_missing_header) {
    return tunnel_error(400, "Invalid envelope: missing DSN");
  }
  if (answer.why == Errc::envelope_invalid_dsn) return tunnel_error(403, "Invalid DSN");
  if (answer.status == 403) return tunnel_error(403, "DSN not allowed");
  answer.body = answer.status == 200 ? "{}" : reworded(answer);
  answer.content_type = Answer{}.content_type;
  return answer;
}

Answer tunnel_not_found() { return tunnel_error(404, "Not found"); }

}  // namespace relay
