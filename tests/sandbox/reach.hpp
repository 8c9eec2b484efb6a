// Whether the children will be able to use what they are given.
#pragma once

#include <string>
#include <vector>

#include "tests/sandbox/process.hpp"

namespace sandbox {

/// The command's program, the interpreter it names, where it starts, and the arguments that are
/// files: as written, and with their links followed; absolute.
[[nodiscard]] std::vector<std::string> paths_of(const Command& command);

/// The first of these paths that cannot be used under `confinement`, or the folder that is closed
/// on the way to it; "" if all can. Asks in a child, which goes through the confinement.
[[nodiscard]] std::string first_out_of_reach(const Confinement& confinement,
                                             const std::vector<Command>& commands);

}  // namespace sandbox
