// What Relay would say to a request, and what a careful reader finds wrong with it all the same.
#pragma once

#include <optional>
#include <string>

#include "tests/sandbox/http_exchange.hpp"
#include "tests/sandbox/recorder.hpp"

namespace sandbox {

struct Inspection {
  unsigned status = 200;
  std::string body;                ///< of the answer
  std::optional<Arrival> arrival;  ///< an envelope; accepted if status is 200
  std::string envelope;            ///< its bytes, decoded
  OtherRequest summary;            ///< what is kept of it if it is not an accepted envelope
  bool is_envelope = false;
};

/// Statuses and texts as getsentry/relay answers: relay-server/src/endpoints/envelope.rs and
/// relay-server/src/extractors/request_meta.rs.
[[nodiscard]] Inspection inspect(const Request& request);

}  // namespace sandbox
