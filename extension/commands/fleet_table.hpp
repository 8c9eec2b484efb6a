// The totals as people read them, and as programs do. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "extension/commands/fleet.hpp"

namespace extension {

inline constexpr std::size_t kWorst = 5;
inline constexpr std::array<unsigned, 3> kPercents = {50, 95, 99};

/// Several lines, for a terminal; `source`: where the figures are from.
[[nodiscard]] std::string to_table(const Fleet& fleet, std::string_view source);

/// "12", rounded to what an estimate is good for; ">10000" beyond the last bound; "-" of none.
[[nodiscard]] std::string percentile_text(const Times& times, unsigned percent);

/// One JSON object on one line.
[[nodiscard]] std::string to_json(const Fleet& fleet);

}  // namespace extension
