// The options that say in which of Lambda's worlds the environment lives.
#pragma once

#include "tests/sandbox/extensions_api.hpp"

namespace CLI {
class App;
}

namespace sandbox {

void declare_world(CLI::App& app, FunctionFacts& facts);

}  // namespace sandbox
