// The options that make the function fail.
#pragma once

#include "tests/sandbox/options.hpp"

namespace CLI {
class App;
}

namespace sandbox {

void declare_failures(CLI::App& app, Options& options);

}  // namespace sandbox
