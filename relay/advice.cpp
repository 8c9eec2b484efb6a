#include "relay/advice.hpp"

namespace relay {
namespace {

constexpr std::string_view kQuota = "look at the project's quotas and rate limits";

}  // namespace

Advice advice_on_refused(unsigned status) {
  if (status == 401 || status == 403) {
    return {"Sentry does not know this key, or the project is disabled",
            "compare the DSN with the one in Sentry's settings"};
  }
  if (status == 429) {
    return {"over quota: Sentry has counted it", kQuota};
  }
  if (status >= 300 && status < 400) {
    return {"a redirect, which is not followed", "is the DSN's host right? thaw check"};
  }
  return {"Sentry does not take it, now or ever", "smaller attachments; look at the SDK's version"};
}

Advice advice_on(DropReason reason) {
  switch (reason) {
    case DropReason::ratelimit_backoff:
      return {"Sentry had said that it does not want this category for now", kQuota};
    case DropReason::queue_overflow:
      return {"more was waiting than the limits allow; the least urgent, oldest went",
              "find out why Sentry is out of reach, or raise THAW_MAX_WAITING, THAW_SPOOL_MIB or, "
              "without a journal, THAW_MEMORY_MIB"};
    case DropReason::network_error:
      return {
          "sent as often as is allowed and never answered, or no time left at the end of the "
          "sandbox",
          "allow Thaw more time with THAW_BUDGET_MS; check the function's way to the internet"};
    case DropReason::send_error:
      return {"Sentry failed on it twice", "nothing; Sentry's own trouble"};
    case DropReason::not_allowed:
      return {"left by an earlier process for a DSN that the settings no longer allow",
              "set THAW_UPSTREAM_DSN as it was"};
    case DropReason::snapshot:
      return {
          "accepted while a SnapStart function was initialised, and not sent before the snapshot: "
          "every copy would send it",
          "nothing; send less at init, or see why Sentry was out of reach"};
    case DropReason::disabled:
      return {"THAW_DISABLED is set", "unset THAW_DISABLED"};
    case DropReason::internal_sdk_error:
      break;
  }
  return {"our own mistake, or a journal that cannot be read back", "tell us"};
}

Advice advice_on(RejectReason reason) {
  switch (reason) {
    case RejectReason::malformed:
      return {"no HTTP request, no envelope, or a key of other than 32 characters",
              "look at the SDK's DSN and its version"};
    case RejectReason::unauthorized:
      return {"no key that could be read", "compare the SDK's DSN with the one in Sentry"};
    case RejectReason::not_allowed:
      return {"for a DSN that the settings do not allow",
              "set THAW_UPSTREAM_DSN or THAW_ALLOWED_HOSTS"};
    case RejectReason::too_large:
      return {"larger than is taken",
              "send less at once: an event may have 1 MiB, a whole request THAW_MAX_BODY_MIB"};
    case RejectReason::unknown_encoding:
      return {"compressed in a way that cannot be undone", "look at the SDK's version"};
    case RejectReason::timeout:
      return {"not received in time", "raise THAW_READ_MS"};
    case RejectReason::abandoned:
      return {"the SDK went away in the middle", "raise the SDK's timeout"};
    case RejectReason::full:
      return {"no room for it", "raise THAW_MAX_WAITING or THAW_SPOOL_MIB"};
    case RejectReason::closing:
      break;
  }
  return {"it came when the sandbox was ending", "nothing; send earlier"};
}

}  // namespace relay
