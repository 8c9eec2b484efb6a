// The options that make the function, its memory and the telemetry fail.
#pragma once

#include "tests/sandbox/options.hpp"

namespace CLI {
class App;
}

namespace sandbox {

void declare_failures(CLI::App& app, Options& options);

}  // namespace sandbox
