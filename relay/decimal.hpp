// Fractions of a unit, exactly and without a locale: 250 microseconds are "0.25" milliseconds.
#pragma once

#include <chrono>
#include <string>

namespace relay {

/// As thousandths, without zeros at the end.
[[nodiscard]] std::string decimal_ms(std::chrono::microseconds length);

/// As millionths.
[[nodiscard]] std::string decimal_s(std::chrono::microseconds length);

}  // namespace relay
