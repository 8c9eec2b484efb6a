#include "relay/intake.hpp"

#include <algorithm>
#include <vector>

#include "proto/codec.hpp"
#include "proto/errc.hpp"
#include "proto/json.hpp"
#include "proto/number.hpp"
#include "relay/limited_items.hpp"

namespace relay {
namespace {

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    if (slash > 0) segments.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return segments;
}

/// Relay words body trouble as plain text, framing trouble as a cause.
Answer format_answer(boost::system::error_code why) {
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
    default:
      return error_answer(400, "invalid event envelope", why.message());
  }
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

/// A body grown chunk by chunk has room to spare; one that may wait long must not hold more memory
/// than it is counted with.
proto::Bytes fitted(proto::Bytes body) {
  if (body.capacity() - body.size() <= body.size() / 8) return body;
  return proto::Bytes::copy_of(body.view());
}

Answer overloaded() { return error_answer(503, "failed to queue envelope"); }

}  // namespace

std::optional<EnvelopePath> match_envelope_path(std::string_view path) {
  const auto segments = segments_of(path);
  const std::size_t count = segments.size();
  if (count < 3 || segments[count - 1] != "envelope" || segments[count - 3] != "api")
    return std::nullopt;
  EnvelopePath matched;
  for (std::size_t i = 0; i + 3 < count; ++i) matched.prefix.append("/").append(segments[i]);
  matched.project = segments[count - 2];
  return matched;
}

Intake::Intake(IntakeSettings settings, RouteSettings route, Parts parts)
    : settings_(settings), route_(std::move(route)), parts_(std::move(parts)) {}

Answer Intake::take(LocalRequest request, const EnvelopePath& path, std::string_view query) {
  if (closing_) return reject(RejectReason::closing, overloaded());
  parts_.stats.bytes_in += request.body.size();
  // Two auths at once are refused before the body is looked at, as Relay does.
  const auto http_auth = proto::find_auth({request.x_sentry_auth, request.authorization, query});
  if (!http_auth && http_auth.error() != proto::Errc::auth_missing)
    return refuse_format(http_auth.error());
  auto envelope = read(request);
  if (!envelope) return refuse_format(envelope.error());
  const auto from = sender(http_auth, path, *envelope);
  if (!from) return refuse_format(from.error());
  if (const auto type = proto::exceeded_size_limit(*envelope)) {
    return reject(RejectReason::too_large,
                  error_answer(413, "envelope exceeded size limits for type '" + *type + "'"));
  }
  return admit(std::move(*envelope), *from, path, std::move(request.user_agent));
}

proto::Result<proto::Envelope> Intake::read(LocalRequest& request) const {
  const auto encoding = proto::encoding_of_name(request.content_encoding);
  if (!encoding) return encoding.error();
  auto body = proto::decode(*encoding, std::move(request.body), settings_.max_decoded_bytes);
  if (!body) return body.error();
  return proto::Envelope::parse(fitted(std::move(*body)));
}

proto::Result<Intake::Sender> Intake::sender(const proto::Result<proto::Auth>& auth,
                                             const EnvelopePath& path,
                                             const proto::Envelope& envelope) const {
  Sender sender;
  if (!auth) {
    // Only the envelope says who speaks: its project wins over the path's.
    if (!envelope.dsn()) return proto::Errc::auth_envelope;
    sender.auth.public_key = envelope.dsn()->public_key;
    sender.project_id = envelope.dsn()->project_id;
    return sender;
  }
  const auto project = proto::parse_number<std::uint64_t>(path.project);
  if (!project) return proto::Errc::dsn_project;
  sender.auth = *auth;
  sender.project_id = *project;
  if (const auto mismatch = proto::check_dsn_agrees(envelope, auth->public_key, *project))
    return mismatch;
  return sender;
}

Answer Intake::admit(proto::Envelope envelope, const Sender& sender, const EnvelopePath& path,
                     std::string user_agent) {
  const RouteRequest wanted{sender.auth.public_key, sender.project_id, path.prefix, envelope.dsn()};
  const auto route = find_route(route_, parts_.own_port(), wanted);
  if (!route) return refuse_route();
  Destination* destination = parts_.destinations.find_or_add(*route);
  if (destination == nullptr) return refuse_route();

  const WallTime now = parts_.clock.wall_now();
  Answer answer = acknowledge(envelope);
  if (const auto limits = destination->limits.to_header(now); !limits.empty()) {
    // Never Retry-After: some SDKs would stop everything (getsentry/sentry-javascript:
    // transports/base.ts).
    answer.headers = "X-Sentry-Rate-Limits: " + limits + "\r\n";
  }
  if (envelope.items().empty()) return answer;
  RecordHead head;
  head.accepted_at = now;
  head.dsn = proto::to_string(route->dsn);
  head.client = sender.auth.client;
  head.user_agent = std::move(user_agent);
  Parcel parcel(std::move(head), std::move(envelope));
  if (!parts_.backlog.accept(std::move(parcel), *destination, parts_.awake()))
    return reject(RejectReason::full, overloaded());
  parts_.accepted();
  return answer;
}

Answer Intake::acknowledge(const proto::Envelope& envelope) const {
  const std::string& id = envelope.event_id();
  return {200, id.empty() ? "{}" : "{\"id\":\"" + id + "\"}"};
}

Answer Intake::reject(RejectReason reason, Answer answer) {
  parts_.stats.ledger.reject(reason);
  return answer;
}

Answer Intake::refuse_format(boost::system::error_code why) {
  Answer answer = format_answer(why);
  const RejectReason reason = format_reason(answer.status);
  return reject(reason, std::move(answer));
}

Answer Intake::refuse_route() {
  return reject(
      RejectReason::not_allowed,
      error_answer(403,
                   "no upstream for this DSN: set THAW_UPSTREAM_DSN to the DSN that Sentry "
                   "shows for the project, or add its host to THAW_ALLOWED_HOSTS"));
}

}  // namespace relay
