// The options that make the function, its memory and the telemetry fail.
#pragma once

#include "tests/sandbox/options.hpp"

namespace CLI {  // NOLINT(readability-identifier-naming): the name is CLI11's
class App;
}

namespace sandbox {

void declare_failures(CLI::App& app, Options& options);

}  // namespace sandbox
