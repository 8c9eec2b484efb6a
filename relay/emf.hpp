// The figures in CloudWatch's Embedded Metric Format: a line of log that CloudWatch makes metrics
// of (AWS docs, "Specification: Embedded metric format"; checked 2026-11). Pure.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "relay/snapshot.hpp"

namespace relay {

/// Each name with each function is a custom metric that CloudWatch charges for, so there are few.
inline constexpr std::size_t kEmfMetrics = 12;

struct EmfMetric {
  std::string_view name;
  std::string_view unit;  ///< CloudWatch's word
  bool gauge = false;     ///< as it is; the others are what has come since the line before
};

/// In the order of the values.
[[nodiscard]] const std::array<EmfMetric, kEmfMetrics>& emf_metrics();

using EmfValues = std::array<std::uint64_t, kEmfMetrics>;
[[nodiscard]] EmfValues emf_values(const Snapshot& snapshot);

/// One line without its newline. `function`: the only dimension; "" is none to CloudWatch.
[[nodiscard]] std::string to_emf(const EmfValues& values, std::string_view function, WallTime now);

/// When there is a line, and what is in it.
class EmfLines {
 public:
  /// `every` 0: there is none.
  EmfLines(std::chrono::minutes every, std::string function, WallTime now)
      : every_(every), function_(std::move(function)), last_(now) {}

  [[nodiscard]] bool wanted() const { return every_.count() > 0; }

  /// So long after the line before, or after the begin. Not const: a clock that stepped back begins
  /// the pause anew, once.
  [[nodiscard]] bool due(WallTime now) {
    last_ = std::min(last_, now);
    return wanted() && age(last_, now) >= every_;
  }

  /// With what has come since the line before, so that CloudWatch's sums are right. Counts that are
  /// lower than before have begun anew. nullopt: nothing came, and nothing waits or did.
  [[nodiscard]] std::optional<std::string> line(const Snapshot& snapshot) const;

  /// The line of `snapshot` has found its place, or there was none. One that is lost is not said:
  /// what it held goes with the next.
  void said(const Snapshot& snapshot);

 private:
  std::chrono::minutes every_;
  std::string function_;
  WallTime last_;
  EmfValues said_{};
};

}  // namespace relay
