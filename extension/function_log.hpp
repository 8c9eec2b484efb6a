// The last lines that the function has written, for the event of its failure. They come as
// telemetry, among the platform's own records and in their order: behind the platform.start of an
// invoke come its lines (AWS docs, "Lambda Telemetry API Event schema reference"; checked 2026-11).
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/failure_event.hpp"
#include "proto/telemetry.hpp"

namespace extension {

class FunctionLog {
 public:
  /// Sentry shows a hundred breadcrumbs.
  static constexpr std::size_t kMostLines = 100;

  /// Keeps the last `most` lines, 0 to kMostLines, of proto::kMaxLogText bytes each. Where many
  /// invokes run `side_by_side` only a line that names its request is anybody's.
  FunctionLog(std::size_t most, bool side_by_side) : most_(most), side_by_side_(side_by_side) {}

  void heard(const proto::TelemetryRecord& record);

  /// The lines of one invoke, the oldest first; those of the init belong to the first one, too, and
  /// to a failure without a request.
  [[nodiscard]] std::vector<proto::LogLine> of(std::string_view request_id) const;

 private:
  struct Line {
    std::string request_id;  ///< "": of the init
    proto::LogLine line;
  };

  void begin(const std::string& request_id);

  std::size_t most_;
  bool side_by_side_;
  std::optional<std::string> open_;  ///< the request that was started last
  std::deque<Line> lines_;           ///< the oldest first
};

}  // namespace extension
