#include "relay/upstream_request.hpp"

#include "proto/auth.hpp"
#include "proto/codec.hpp"

namespace relay {
namespace {

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

}  // namespace

ComposedRequest compose(const Parcel& parcel, const Destination& destination, WallTime now) {
  const Route& route = destination.route;
  ComposedRequest composed;
  const std::string head = parcel.envelope()->restamped_header(route.dsn, now);
  const std::string_view tail = parcel.envelope()->items_as_they_came();
  const auto encoding = encoding_for(destination.host->compression, head.size() + tail.size());
  proto::encode(encoding, head, tail, composed.body);
  composed.zstd = encoding == proto::Encoding::zstd;

  UpstreamRequest& request = composed.request;
  request.endpoint = route.endpoint();
  request.target = route.dsn.envelope_path();
  proto::Auth auth;
  auth.public_key = route.dsn.public_key;
  auth.client = parcel.head().client;
  request.headers.emplace_back("Content-Type", "application/x-sentry-envelope");
  if (encoding != proto::Encoding::identity) {
    request.headers.emplace_back("Content-Encoding", proto::name(encoding));
  }
  request.headers.emplace_back("X-Sentry-Auth", proto::to_header(auth));
  const std::string& user_agent = parcel.head().user_agent;
  request.headers.emplace_back("User-Agent",
                               user_agent.empty() ? "thaw/" THAW_VERSION : user_agent);
  request.headers.emplace_back("Accept", "*/*");
  request.body = composed.body.view();
  return composed;
}

}  // namespace relay
