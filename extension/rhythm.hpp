// How often the function is invoked, and how long it has brought nothing urgent. Pure: what the
// pace `adaptive` goes by, and all it remembers of earlier invokes.
#pragma once

#include <optional>

#include "relay/clock.hpp"

namespace extension {

class Rhythm {
 public:
  /// An INVOKE has come. `urgent`: since the one before, an urgent envelope was accepted.
  void invoked(relay::WallTime now, bool urgent);

  /// The next invoke is likely to follow soon: kKnown invokes were seen, the exponentially weighted
  /// mean (weight 1/8) of the gaps between INVOKEs is at most `limit`, and the last gap is no
  /// pause: at most four times that mean. Wall time, since invokes lie on both sides of a freeze; a
  /// gap that a clock stepping back made negative is none.
  [[nodiscard]] bool soon(relay::milliseconds limit) const;

  /// The function rarely has anything urgent: kQuietAfter invokes were seen, and none of the last
  /// so many brought an urgent envelope.
  [[nodiscard]] bool quiet() const { return calm_ >= kQuietAfter; }

  static constexpr unsigned kKnown = 8;
  static constexpr unsigned kQuietAfter = 32;

 private:
  unsigned seen_ = 0;  ///< up to kKnown
  unsigned calm_ = 0;  ///< finished invokes in a row without an urgent envelope, up to kQuietAfter
  std::optional<relay::WallTime> last_;
  double mean_ms_ = 0;
  double last_gap_ms_ = 0;
};

}  // namespace extension
