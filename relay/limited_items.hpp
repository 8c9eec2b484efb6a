// Which items of an envelope a rate limit takes, and what is left of it. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/envelope.hpp"
#include "proto/rate_limits.hpp"
#include "relay/parcel.hpp"

namespace relay {

/// One flag per item: blocked by a limit in force, or a dependant of the envelope's event that is
/// (Sentry develop docs, "Envelope Items").
[[nodiscard]] std::vector<bool> limited_items(const proto::Envelope& envelope,
                                              const proto::RateLimits& limits, proto::WallTime now);

/// The same for any request; an opaque one counts as one item of its category.
[[nodiscard]] std::vector<bool> limited_items(const Parcel& parcel, const proto::RateLimits& limits,
                                              proto::WallTime now);

/// What a 429 with this X-Sentry-Rate-Limits refused: it is partial, and what no limit of the
/// answer names was taken. A limit that is over already, "0:error:key", was in force when upstream
/// looked (getsentry/relay: relay-server/src/endpoints/common.rs).
[[nodiscard]] std::vector<bool> refused_items(const Parcel& parcel, std::string_view rate_limits,
                                              proto::WallTime now);

struct Reduction {
  proto::CategoryCounts dropped;
  /// What is left, its header and items byte for byte as they came; nullopt when nothing is.
  std::optional<proto::Envelope> rest;
};

/// Takes the flagged items out. At least one flag must be set.
[[nodiscard]] Reduction without(const proto::Envelope& envelope, const std::vector<bool>& flagged);

}  // namespace relay
