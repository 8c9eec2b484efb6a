// What each way of not reaching Sentry means, and what to do about it: one line each, the words of
// the README's table "What becomes of an envelope".
#pragma once

#include <string_view>

#include "relay/outcome.hpp"

namespace relay {

/// Plain text, the beginning of a sentence without its capital and its full stop.
struct Advice {
  std::string_view means;
  std::string_view to_do;
};

/// `status` is upstream's.
[[nodiscard]] Advice advice_on_refused(unsigned status);
[[nodiscard]] Advice advice_on(DropReason reason);
[[nodiscard]] Advice advice_on(RejectReason reason);

}  // namespace relay
