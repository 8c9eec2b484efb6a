#include "relay/due.hpp"

namespace relay {

bool may_leave(const WaitingFacts& envelope, Gate gate, milliseconds late) {
  if (gate == Gate::closed || envelope.back_off_left.count() > 0) return false;
  if (gate != Gate::late) return true;
  return envelope.full_writes == 0 && (envelope.deduplicated_upstream || envelope.awake >= late);
}

}  // namespace relay
