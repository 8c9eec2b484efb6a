// Requests as the listener would have read them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "relay/http_text.hpp"

namespace support {

/// A POST.
inline relay::LocalRequest local_request(std::string_view body, std::string x_sentry_auth,
                                         std::string target = "/api/42/envelope/") {
  auto header = std::make_shared<relay::RequestHeader>();
  header->method = "POST";
  header->target = std::move(target);
  header->x_sentry_auth = std::move(x_sentry_auth);
  return {std::move(header), proto::Bytes::copy_of(body)};
}

/// Gives it a header that differs in this.
inline void set(relay::LocalRequest& request, std::string relay::RequestHeader::* field,
                std::string_view text) {
  auto header = std::make_shared<relay::RequestHeader>(*request.header);
  header.get()->*field = text;
  request.header = std::move(header);
}

}  // namespace support
