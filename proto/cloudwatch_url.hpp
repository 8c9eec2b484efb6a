// The address at which CloudWatch's console shows the log of one request.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/timestamp.hpp"

namespace proto {

struct LogSearch {
  std::string_view region;            ///< also says which partition's console
  std::string_view log_group;         ///< "/aws/lambda/NAME"
  std::string_view request_id;        ///< "": everything in the group
  std::optional<WallTime> from = {};  ///< nullopt, or before 2020: as far back as it goes
};

/// Opens the group filtered by the request id. Behind the '#' the console reads names and values
/// that are percent-encoded twice, and then '$' in the place of each '%', so that '/' is "$252F";
/// its own '?', '&' and '=' are encoded once ("$3F"). AWS documents none of that; it is what the
/// console's own address bar shows (checked 2026-11).
[[nodiscard]] std::string cloudwatch_url(const LogSearch& search);

}  // namespace proto
