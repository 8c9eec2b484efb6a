#include "relay/due.hpp"

namespace relay {

bool may_leave(const WaitingFacts& envelope, Gate gate, const LateRule& late) {
  if (gate == Gate::closed || envelope.back_off_left.count() > 0) return false;
  const bool as_if_late = gate == Gate::late || (gate == Gate::carried && !envelope.carried);
  if (!as_if_late) return true;
  const bool harmless = envelope.deduplicated_upstream && !late.soon;
  return envelope.full_writes == 0 && (harmless || envelope.awake >= late.awake);
}

}  // namespace relay
