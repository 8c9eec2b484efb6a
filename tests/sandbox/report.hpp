// The record of a run, for programs and for people.
#pragma once

#include <string>

#include "tests/sandbox/recorder.hpp"

namespace sandbox {

/// One JSON object; text that is not UTF-8 has its bad bytes replaced.
[[nodiscard]] std::string to_json(const Recorder& recorder);

/// A few lines for a terminal.
[[nodiscard]] std::string to_table(const Recorder& recorder);

}  // namespace sandbox
