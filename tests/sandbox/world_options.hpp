// The options that say in which of Lambda's worlds the environment lives.
#pragma once

#include <vector>

#include "tests/sandbox/extensions_api.hpp"
#include "tests/sandbox/script.hpp"

namespace CLI {
class App;
}

namespace sandbox {

void declare_world(CLI::App& app, FunctionFacts& facts);

/// Whether each step can happen there.
[[nodiscard]] bool fits(const std::vector<Step>& script, World world);

}  // namespace sandbox
