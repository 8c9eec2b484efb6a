#include "relay/call.hpp"

#include <utility>

namespace relay {

Call::Call(std::shared_ptr<const RequestHeader> header_in) : header(std::move(header_in)) {
  const auto target = proto::split_target(header->target);
  path = target.path;
  query = target.query;
  endpoint = proto::match_endpoint(path);
  if (!endpoint || endpoint->kind == proto::EndpointKind::tunnel) return;
  auth = proto::find_auth(
      {header->x_sentry_auth, header->authorization, query, proto::key_in_path(endpoint->path)});
}

}  // namespace relay
