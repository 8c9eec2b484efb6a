#include "relay/outcome.hpp"

namespace relay {

std::string_view name(DropReason reason) {
  switch (reason) {
    case DropReason::queue_overflow:
      return "queue_overflow";
    case DropReason::ratelimit_backoff:
      return "ratelimit_backoff";
    case DropReason::network_error:
      return "network_error";
    case DropReason::send_error:
      return "send_error";
    case DropReason::internal_sdk_error:
      return "internal_sdk_error";
    case DropReason::not_allowed:
      return "not_allowed";
    case DropReason::snapshot:
      return "snapshot";
    case DropReason::disabled:
      return "disabled";
  }
  return "internal_sdk_error";
}

bool is_reported(DropReason reason) {
  return reason != DropReason::not_allowed && reason != DropReason::snapshot &&
         reason != DropReason::disabled;
}

std::string_view name(RejectReason reason) {
  switch (reason) {
    case RejectReason::malformed:
      return "malformed";
    case RejectReason::unauthorized:
      return "unauthorized";
    case RejectReason::not_allowed:
      return "not_allowed";
    case RejectReason::too_large:
      return "too_large";
    case RejectReason::unknown_encoding:
      return "unknown_encoding";
    case RejectReason::timeout:
      return "timeout";
    case RejectReason::abandoned:
      return "abandoned";
    case RejectReason::full:
      return "full";
    case RejectReason::closing:
      return "closing";
  }
  return "malformed";
}

Outcome outcome_of(unsigned status, bool zstd) {
  if (status >= 200 && status < 300) return Outcome::delivered;
  if (status == 429) return Outcome::rate_limited;
  if (status == 415 && zstd) return Outcome::recompress;
  if (status >= 502 && status <= 504) return Outcome::retry;
  if (status >= 500) return Outcome::retry_once;
  return Outcome::refused;
}

}  // namespace relay
