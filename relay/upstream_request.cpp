#include "relay/upstream_request.hpp"

#include <limits>
#include <utility>

#include "proto/auth.hpp"
#include "proto/endpoint.hpp"

namespace relay {
namespace {

constexpr auto kEnvelopeContentType = "application/x-sentry-envelope";
const std::string kOwnUserAgent = "thaw/" THAW_VERSION;
constexpr std::size_t kCompressFrom = 1024;  // below it a frame costs more than it saves

proto::Encoding encoding_for(Compression compression, std::size_t size) {
  if (size < kCompressFrom) return proto::Encoding::identity;
  switch (compression) {
    case Compression::zstd:
      return proto::Encoding::zstd;
    case Compression::gzip:
      return proto::Encoding::gzip;
    case Compression::none:
      return proto::Encoding::identity;
  }
  return proto::Encoding::identity;
}

/// The one auth that goes upstream, as the header's value.
std::string auth_header(const proto::Dsn& dsn, const std::string& client) {
  proto::Auth auth;
  auth.public_key = dsn.public_key;
  auth.client = client;
  return proto::to_header(auth);
}

}  // namespace

Composition::Composition(const Parcel& parcel, const Destination& destination, WallTime now,
                         proto::Encoder& encoder)
    : encoder_(encoder) {
  const Route& route = destination.route;
  const RequestMeta& meta = *parcel.head().meta;
  UpstreamRequest& request = composed_->request;
  request.endpoint = route.endpoint();
  request.method = meta.method;
  const auto [path, query] = proto::split_target(meta.target);
  auto [target, auth] = proto::compose_target(route.dsn, path, query, meta.client);
  request.target = std::move(target);

  std::string_view tail = parcel.body();
  std::string_view content_type = meta.content_type;
  if (const auto* envelope = parcel.envelope()) {
    head_ = envelope->restamped_header(route.dsn, now);
    tail = envelope->items_as_they_came();
    content_type = kEnvelopeContentType;
  }
  const auto encoding = encoding_for(destination.host->compression, head_.size() + tail.size());
  composed_->zstd = encoding == proto::Encoding::zstd;
  encoder_.begin(encoding, head_, tail, composed_->body);
  if (!content_type.empty()) request.headers.emplace_back("Content-Type", content_type);
  if (encoding != proto::Encoding::identity)
    request.headers.emplace_back("Content-Encoding", proto::name(encoding));
  if (auth == proto::AuthPlace::header)
    request.headers.emplace_back("X-Sentry-Auth", auth_header(route.dsn, meta.client));
  request.headers.emplace_back("User-Agent",
                               meta.user_agent.empty() ? kOwnUserAgent : meta.user_agent);
  request.headers.emplace_back("Accept", "*/*");
}

std::unique_ptr<ComposedRequest> Composition::take() {
  composed_->request.body = composed_->body.view();
  return std::move(composed_);
}

std::unique_ptr<ComposedRequest> compose(const Parcel& parcel, const Destination& destination,
                                         WallTime now, proto::Encoder& encoder) {
  Composition composition(parcel, destination, now, encoder);
  static_cast<void>(composition.step(std::numeric_limits<std::size_t>::max()));
  return composition.take();
}

ComposedRequest compose_report(const proto::ClientReport& report, const Destination& destination,
                               WallTime now) {
  const proto::Dsn& dsn = destination.route.dsn;
  ComposedRequest composed;
  UpstreamRequest& request = composed.request;
  request.endpoint = destination.route.endpoint();
  request.target = dsn.envelope_path();
  request.on_live_connection = true;
  composed.body = proto::Bytes::copy_of(report.encode(dsn, now));
  request.body = composed.body.view();
  request.headers = {{"Content-Type", kEnvelopeContentType},
                     {"X-Sentry-Auth", auth_header(dsn, kOwnUserAgent)},
                     {"User-Agent", kOwnUserAgent},
                     {"Accept", "*/*"}};
  return composed;
}

}  // namespace relay
