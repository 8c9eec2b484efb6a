// What shall happen to the environment, step by step.
#pragma once

#include <chrono>
#include <string_view>
#include <vector>

#include "proto/result.hpp"

namespace sandbox {

enum class StepKind { init, invoke, burst, freeze, thaw, rest, restore, kill, spindown, drop_next };

struct Step {
  StepKind kind = StepKind::invoke;
  unsigned times = 1;                   ///< of invoke; width of burst
  std::chrono::milliseconds length{0};  ///< of freeze, thaw, rest and restore
};

/// "invoke*8 freeze:5000 thaw:20 kill drop-next spindown". Error: invalid_argument.
[[nodiscard]] proto::Result<std::vector<Step>> parse_script(std::string_view text);

}  // namespace sandbox
