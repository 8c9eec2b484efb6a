// Which items of an envelope a rate limit takes, and what is left of it. Pure.
#pragma once

#include <functional>
#include <optional>
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

struct Reduction {
  proto::CategoryCounts dropped;
  /// What is left, its header and items byte for byte as they came; nullopt when nothing is.
  std::optional<proto::Envelope> rest;
};

/// Takes the flagged items out. At least one flag must be set.
[[nodiscard]] Reduction without(const proto::Envelope& envelope, const std::vector<bool>& flagged);

}  // namespace relay
