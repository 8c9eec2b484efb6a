// Whether an upstream host is worth asking at all. While it is not, one envelope at a time tries.
// Pure: no clock but the wall time passed in, because hours may pass in a freeze. Its owner decides
// what is a failure: an answer of 502 to 504 or none at all, and never a request that a freeze cut.
#pragma once

#include "relay/clock.hpp"

namespace relay {

/// The state of one host.
class Breaker {
 public:
  /// `threshold`: failures in a row that open it, at least 1.
  explicit Breaker(unsigned threshold) : threshold_(threshold) {}

  /// Any other answer, of whatever request to the host: closes it.
  void succeeded();

  /// A failure. While the breaker is open those of requests that were begun before change nothing.
  void failed(WallTime now);

  /// Nothing may leave for the host but a probe.
  [[nodiscard]] bool open() const { return open_; }

  /// What is left until the next probe may begin: 1 s after it opened, then 2, 4 … 60 s after the
  /// probe before; rounded up, 0 when one is due or the breaker is closed. Not const: a clock
  /// that stepped back begins the pause anew, so none lasts longer than it would have from here,
  /// and one that stepped forward makes one probe early.
  [[nodiscard]] milliseconds until_probe(WallTime now);

  /// The breaker is open and the next probe may begin.
  [[nodiscard]] bool probe_due(WallTime now) { return open_ && until_probe(now).count() == 0; }

  /// A probe leaves. Its end is told by succeeded or failed, or, where it was cut, not at all: the
  /// next one is due all the same.
  void probe_begun(WallTime now);

 private:
  unsigned threshold_;
  unsigned failures_ = 0;  ///< in a row, while closed
  bool open_ = false;
  WallTime since_{};      ///< when the pause began
  milliseconds pause_{};  ///< between since_ and the next probe
};

}  // namespace relay
