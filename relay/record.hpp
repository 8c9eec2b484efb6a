// One accepted request, whole: all that its delivery needs, and what the journal keeps of it.
#pragma once

#include <cstddef>
#include <string>

#include "proto/bytes.hpp"
#include "proto/category.hpp"
#include "relay/clock.hpp"

namespace relay {

/// What is known of a request beside its body.
struct RecordHead {
  WallTime accepted_at{};
  std::string dsn;     ///< the upstream's: scheme://key@host[:port][/prefix]/project
  std::string method;  ///< "POST", or "GET" for a check-in by URL
  /// Path and query below /api/{project}/, without auth parameters: "envelope/",
  /// "cron/nightly/?status=ok".
  std::string target;
  std::string client;            ///< sentry_client, "" if the SDK named none
  std::string user_agent;        ///< "" if the SDK sent none
  std::string content_type;      ///< "" if the SDK sent none; of no meaning for an envelope
  proto::CategoryCounts counts;  ///< what it adds to the accounts
};

/// What takes long with a body above this size is done some a turn of the loop.
inline constexpr std::size_t kLargeBody = 1024UL * 1024;

struct Record {
  RecordHead head;
  proto::Bytes body;  ///< decoded
};

}  // namespace relay
