// One accepted request, whole: all that its delivery needs, and what the journal keeps of it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "proto/bytes.hpp"
#include "proto/category.hpp"
#include "relay/clock.hpp"

namespace relay {

/// The target of an envelope below /api/{project}/.
inline constexpr std::string_view kEnvelopeTarget = "envelope/";

/// Where a request goes and who sent it. Not changed once it is made: the requests of one SDK share
/// it.
struct RequestMeta {
  std::string dsn;              ///< the upstream's: scheme://key@host[:port][/prefix]/project
  std::string method = "POST";  ///< or "GET" for a check-in by URL
  /// Path and query below /api/{project}/, without auth parameters: kEnvelopeTarget,
  /// "cron/nightly/?status=ok".
  std::string target{kEnvelopeTarget};
  std::string client;        ///< sentry_client, "" if the SDK named none
  std::string user_agent;    ///< "" if the SDK sent none
  std::string content_type;  ///< "" if the SDK sent none; of no meaning for an envelope
};

/// What is known of a request beside its body.
struct RecordHead {
  WallTime accepted_at{};
  std::shared_ptr<const RequestMeta> meta = std::make_shared<const RequestMeta>();
  proto::CategoryCounts counts{};  ///< what it adds to the accounts
};

/// What takes long with a body above this size is done some a turn of the loop.
inline constexpr std::size_t kLargeBody = 1024UL * 1024;

struct Record {
  RecordHead head;
  proto::Bytes body;  ///< decoded
};

}  // namespace relay
