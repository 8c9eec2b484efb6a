#include "relay/call.hpp"

#include <algorithm>
#include <utility>

namespace relay {

Call::Call(std::shared_ptr<const RequestHeader> header_in) : header(std::move(header_in)) {
  const std::string_view target = header->target;
  const std::size_t mark = std::min(target.find('?'), target.size());
  path = target.substr(0, mark);
  query = target.substr(std::min(mark + 1, target.size()));
  endpoint = proto::match_endpoint(path);
  if (!endpoint || endpoint->kind == proto::EndpointKind::tunnel) return;
  auth = proto::find_auth(
      {header->x_sentry_auth, header->authorization, query, proto::key_in_path(endpoint->path)});
}

}  // namespace relay
