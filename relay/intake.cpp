#include "relay/intake.hpp"

#include <utility>

#include "proto/codec.hpp"
#include "proto/errc.hpp"
#include "proto/json.hpp"
#include "proto/number.hpp"
#include "relay/accepting.hpp"
#include "relay/refusal.hpp"
#include "relay/tunnel.hpp"

namespace relay {
namespace {

/// A body grown chunk by chunk has room to spare; one that may wait long must not hold more memory
/// than it is counted with.
proto::Bytes fitted(proto::Bytes body) {
  if (body.capacity() - body.size() <= body.size() / 8) return body;
  body.fit();
  return body;
}

// What one turn of the loop undoes, about a millisecond's work; and what is undone of anyone's body
// at once, so that a usual one is through with it.
constexpr std::size_t kUnpackedPerTurn = 256UL * 1024;
constexpr std::size_t kUnpackedAtOnce = 64UL * 1024;
// The same of what a large record has written.
constexpr std::size_t kKeptPerTurn = 256UL * 1024;

/// 0: the body could not be decoded.
std::size_t bytes_to_keep(const LocalRequest& request) {
  if (!request.unpacked) return request.body.size();
  return *request.unpacked ? (*request.unpacked)->size() : 0;
}

std::size_t bytes_received(const LocalRequest& request) {
  return request.unpacked ? request.body_bytes : request.body.size();
}

/// As Relay answers.
std::string id_answer(std::string_view event_id) {
  if (event_id.empty()) return "{}";
  std::string text;
  text.reserve(event_id.size() + 9);
  return text.append(R"({"id":")").append(event_id).append("\"}");
}

bool holds_envelope(const Call& call) {
  return proto::takes_envelope(call.endpoint->kind, call.header->content_type);
}

RequestMeta meta_of(const Call& call, const std::string& dsn) {
  RequestMeta meta;
  meta.dsn = dsn;
  meta.client = call.auth ? call.auth->client : "";
  meta.user_agent = call.header->user_agent;
  if (holds_envelope(call)) return meta;
  meta.method = call.header->method;
  meta.target = call.endpoint->path;
  if (const auto rest = proto::strip_auth(call.query); !rest.empty()) meta.target += "?" + rest;
  meta.content_type = call.header->content_type;
  return meta;
}

Answer overloaded() { return error_answer(503, "failed to queue envelope"); }

}  // namespace

/// What becomes of a request that takes more than one turn of the loop: it is large, or the journal
/// has to make room for it.
class LargeRequest {
 public:
  std::optional<Answer> answer;  ///< of judge(); what it is to be told once it is kept
  std::unique_ptr<Backlog::Accepting> accepting;  ///< nullptr: there is nothing (more) to keep
};

Intake::Intake(IntakeSettings settings, RouteSettings route, Parts parts)
    : settings_(settings), route_(std::move(route)), parts_(std::move(parts)) {}

bool Intake::takes_turns(const LocalRequest& request) const {
  return !request.header->content_encoding.empty() || request.large ||
         !fits_one_turn(request.body.size());
}

bool Intake::fits_one_turn(std::size_t bytes) const {
  return bytes <= kLargeBody && parts_.backlog.has_room(bytes);
}

bool Intake::ready(LocalRequest& request, const Call& call) {
  if (!request.large) {
    if (!unpacked(request)) return false;
    if (settings_.disabled || fits_one_turn(bytes_to_keep(request))) return true;
    request.large = std::make_shared<LargeRequest>();
  }
  const auto large = request.large;
  if (!has_turn(large)) return false;
  if (large->answer) return large->accepting == nullptr || keep_some(*large);
  large->answer = judge(std::move(request), call);
  return large->accepting == nullptr;
}

bool Intake::has_turn(const std::shared_ptr<void>& large) {
  const auto turn = turn_.lock();
  if (turn != nullptr && turn != large) return false;
  turn_ = large;
  return true;
}

bool Intake::keep_some(LargeRequest& large) {
  if (closing_) {
    large.accepting.reset();
    large.answer = reject(RejectReason::closing, overloaded());
    return true;
  }
  const auto accepted = large.accepting->step(kKeptPerTurn);
  if (!accepted) return false;
  large.accepting.reset();
  if (*accepted) {
    parts_.accepted();
  } else {
    large.answer = reject(RejectReason::full, overloaded());
  }
  return true;
}

bool Intake::unpacked(LocalRequest& request) {
  if (request.unpacked) return true;
  std::size_t bytes = kUnpackedPerTurn;
  if (!request.unpacking) {
    const auto encoding = proto::encoding_of_name(request.header->content_encoding);
    if (!encoding || *encoding == proto::Encoding::identity) return true;
    request.body_bytes = request.body.size();
    request.unpacking = std::make_shared<proto::Decoding>(*encoding, std::move(request.body),
                                                          settings_.max_decoded_bytes);
    bytes = kUnpackedAtOnce;
  } else {
    if (!has_turn(request.unpacking)) return false;
  }
  request.unpacked = request.unpacking->step(bytes);
  if (request.unpacked) request.unpacking.reset();
  return request.unpacked.has_value();
}

Answer Intake::take(LocalRequest&& request, const Call& call) {
  if (settings_.disabled) return drop(std::move(request), call);
  // Whose turn it was has had it.
  const auto large = std::exchange(request.large, nullptr);
  Answer answer = large ? std::move(*large->answer) : judge(std::move(request), call);
  if (call.endpoint->kind == proto::EndpointKind::tunnel) return tunnel_answer(std::move(answer));
  return answer;
}

Answer Intake::judge(LocalRequest&& request, const Call& call) {
  if (closing_) return reject(RejectReason::closing, overloaded());
  parts_.stats.bytes_in += bytes_received(request);
  // Two auths at once are refused before the body is looked at, as Relay does.
  if (!call.auth && call.auth.error() != proto::Errc::auth_missing) {
    return refuse_format(call.auth.error());
  }
  auto body = decode(request);
  if (!body) return refuse_format(body.error());
  if (holds_envelope(call)) {
    return take_envelope(call, std::move(*body), request.large.get());
  }
  return take_opaque(call, std::move(*body), request.large.get());
}

Answer Intake::drop(LocalRequest&& request, const Call& call) {
  Stats& stats = parts_.stats;
  stats.bytes_in += bytes_received(request);
  const proto::CategoryCounts items = items_of(std::move(request), call);
  stats.ledger.accept(items);
  stats.ledger.drop(DropReason::disabled, items);
  ++stats.envelopes_accepted;
  ++stats.envelopes_lost;
  return {200, "{}", "application/json", "X-Sentry-Rate-Limits: 60::organization\r\n"};
}

proto::CategoryCounts Intake::items_of(LocalRequest&& request, const Call& call) const {
  proto::CategoryCounts items;
  if (holds_envelope(call)) {
    auto body = decode(request);
    if (!body) return items;
    const auto envelope = proto::Envelope::parse(std::move(*body));
    return envelope ? envelope->counts() : items;
  }
  items.add(proto::opaque_category(call.endpoint->kind));
  return items;
}

proto::Result<proto::Bytes> Intake::decode(LocalRequest& request) const {
  if (request.unpacked) {
    if (!*request.unpacked) return request.unpacked->error();
    return fitted(std::move(**request.unpacked));
  }
  const auto encoding = proto::encoding_of_name(request.header->content_encoding);
  if (!encoding) return encoding.error();
  auto body = proto::decode(*encoding, std::move(request.body), settings_.max_decoded_bytes);
  if (!body) return body.error();
  return fitted(std::move(*body));
}

Answer Intake::take_envelope(const Call& call, proto::Bytes body, LargeRequest* large) {
  auto envelope = proto::Envelope::parse(std::move(body), parser_memory_);
  if (!envelope) return refuse_format(envelope.error());
  const auto from = sender(call, *envelope);
  if (!from) return refuse_format(from.error());
  if (const auto type = proto::exceeded_size_limit(*envelope)) {
    return reject(RejectReason::too_large,
                  error_answer(413, "envelope exceeded size limits for type '" + *type + "'"));
  }
  const Way* way = find_way(call, *from, envelope->dsn());
  if (way == nullptr) return refuse_route();
  Answer answer{200, id_answer(envelope->event_id())};
  remember(*envelope);
  // No name of an SDK is longer.
  if (!from->client.empty()) last_client_.assign(from->client.substr(0, 64));
  Parcel parcel({parts_.clock.wall_now(), way->meta}, std::move(*envelope));
  return admit(std::move(parcel), *way->destination, std::move(answer), large);
}

void Intake::remember(const proto::Envelope& envelope) {
  const std::string_view header = envelope.header();
  const bool fits = header.size() <= kKeptHeader;
  const bool traced = fits && envelope.names_trace();
  if (last_header_traced_ && !traced) return;
  last_header_traced_ = traced;
  last_header_.assign(fits ? header : std::string_view());
}

Answer Intake::take_opaque(const Call& call, proto::Bytes body, LargeRequest* large) {
  if (!call.auth) return refuse_format(call.auth.error());
  const proto::Endpoint& endpoint = *call.endpoint;
  const auto project = proto::parse_number<std::uint64_t>(endpoint.project);
  if (!project) return refuse_format(proto::Errc::dsn_project);
  const Way* way = find_way(call, {call.auth->public_key, call.auth->client, *project}, {});
  if (way == nullptr) return refuse_route();
  auto expected = proto::success_answer(endpoint.kind, call.header->content_type,
                                        {parts_.random(), parts_.random()});
  Answer answer{expected.status, std::move(expected.body), expected.content_type};
  RecordHead head{parts_.clock.wall_now(), way->meta};
  head.counts.add(proto::opaque_category(endpoint.kind));
  Parcel parcel(std::move(head), std::move(body));
  return admit(std::move(parcel), *way->destination, std::move(answer), large);
}

proto::Result<Intake::Sender> Intake::sender(const Call& call, const proto::Envelope& envelope) {
  if (!call.auth) {
    // Only the envelope says who speaks: its project wins over the path's.
    if (!envelope.dsn()) return proto::Errc::auth_envelope;
    return Sender{envelope.dsn()->public_key, {}, envelope.dsn()->project_id};
  }
  const auto project = proto::parse_number<std::uint64_t>(call.endpoint->project);
  if (!project) return proto::Errc::dsn_project;
  if (const auto mismatch = proto::check_dsn_agrees(envelope, call.auth->public_key, *project))
    return mismatch;
  return Sender{call.auth->public_key, call.auth->client, *project};
}

Destination* Intake::destination(const RouteRequest& wanted) {
  const auto route = find_route(route_, parts_.own_port(), wanted);
  return route ? parts_.destinations.find_or_add(*route) : nullptr;
}

const Intake::Way* Intake::find_way(const Call& call, const Sender& from,
                                    const std::optional<proto::Dsn>& dsn) {
  const bool same = last_way_.header == call.header;
  if (same && last_way_.by_header) {
    parts_.destinations.use(*last_way_.destination);
    return &last_way_;
  }
  // The envelope is asked only where the header leads nowhere, or does not say who speaks.
  RouteRequest wanted{from.public_key, from.project_id, call.endpoint->prefix, {}};
  Destination* where = destination(wanted);
  const bool by_header = call.auth && where != nullptr;
  if (where == nullptr && dsn) {
    wanted.envelope_dsn = dsn;
    where = destination(wanted);
  }
  if (where == nullptr) return nullptr;
  if (!same || last_way_.destination != where) {
    last_way_ = {call.header, where,
                 std::make_shared<const RequestMeta>(meta_of(call, where->dsn))};
  }
  last_way_.by_header = by_header;
  return &last_way_;
}

Answer Intake::admit(Parcel&& parcel, Destination& destination, Answer answer,
                     LargeRequest* large) {
  const WallTime now = parcel.head().accepted_at;
  if (const auto limits = destination.limits.to_header(now); !limits.empty()) {
    // Never Retry-After: some SDKs would stop everything (getsentry/sentry-javascript:
    // transports/base.ts).
    answer.headers = "X-Sentry-Rate-Limits: " + limits + "\r\n";
  }
  // An envelope without items is well-formed, and nothing.
  if (parcel.head().counts.total() == 0) return answer;
  if (large != nullptr) {
    large->accepting = std::make_unique<Backlog::Accepting>(parts_.backlog, std::move(parcel),
                                                            destination, parts_.awake());
    return answer;
  }
  if (!parts_.backlog.accept(std::move(parcel), destination, parts_.awake()))
    return reject(RejectReason::full, overloaded());
  parts_.accepted();
  return answer;
}

bool Intake::take_own(proto::Envelope envelope) {
  if (closing_) return false;
  Destination* where = nullptr;
  if (route_.configured.empty()) {
    where = parts_.destinations.last_used();
  } else {
    const proto::Dsn& dsn = route_.configured.front();
    where = destination({dsn.public_key, dsn.project_id, ""});
  }
  if (where == nullptr) return false;
  RequestMeta meta;
  meta.dsn = where->dsn;
  meta.client = "thaw/" THAW_VERSION;
  Parcel parcel({parts_.clock.wall_now(), std::make_shared<const RequestMeta>(std::move(meta))},
                std::move(envelope));
  if (!parts_.backlog.accept(std::move(parcel), *where, parts_.awake())) return false;
  parts_.accepted();
  return true;
}

void Intake::recover(JournalId kept, Record record) {
  proto::CategoryCounts counts = record.head.counts;
  if (counts.total() > proto::kMaxItems) {
    // Planted: no request of ours counts so much.
    counts = {};
    counts.add(proto::Category::default_);
  }
  const auto dsn = proto::parse_dsn(record.head.meta->dsn);
  auto parcel = Parcel::from(std::move(record));
  if (!dsn || !parcel) {
    parts_.backlog.recover_lost(kept, counts, DropReason::internal_sdk_error);
    return;
  }
  Destination* where = destination({dsn->public_key, dsn->project_id, "", *dsn});
  if (where == nullptr) {
    parts_.backlog.recover_lost(kept, counts, DropReason::not_allowed);
    return;
  }
  parts_.backlog.recover(kept, std::move(*parcel), *where, parts_.awake());
  parts_.accepted();
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
