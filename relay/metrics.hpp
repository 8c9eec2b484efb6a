// The snapshot as OpenMetrics text: /metrics (OpenMetrics specification 1.0, "Text Format").
#pragma once

#include <string>
#include <string_view>

#include "relay/snapshot.hpp"

namespace relay {

inline constexpr std::string_view kOpenMetricsType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Labels take their values from closed lists: data categories, reasons, statuses, upstream hosts
/// (THAW_MAX_DSNS of them at most), never from what a request says.
[[nodiscard]] std::string to_openmetrics(const Snapshot& snapshot);

}  // namespace relay
