// What a request asks for, as far as its header says it. Pure. One call may stand for many
// requests: those that share a header.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "proto/auth.hpp"
#include "proto/endpoint.hpp"
#include "proto/errc.hpp"
#include "proto/result.hpp"
#include "relay/http_text.hpp"

namespace relay {

struct Call {
  explicit Call(std::shared_ptr<const RequestHeader> header_in);

  std::shared_ptr<const RequestHeader> header;  ///< the texts below are views into it
  std::string_view path;
  std::string_view query;                   ///< what stands behind the target's '?'
  std::optional<proto::Endpoint> endpoint;  ///< nullopt: nothing that is for Sentry
  /// What the header, the query and the path hold. At the tunnel they are not asked: only the
  /// envelope says who speaks.
  proto::Result<proto::Auth> auth = proto::Errc::auth_missing;

  /// Whether it is something to be sent to Sentry, of a method it may have.
  [[nodiscard]] bool is_for_sentry() const {
    return endpoint && proto::takes_method(endpoint->kind, header->method);
  }
};

}  // namespace relay
