#include "tests/sandbox/world_options.hpp"

#include <algorithm>
#include <string>

#include <CLI/CLI.hpp>

namespace sandbox {

void declare_world(CLI::App& app, FunctionFacts& facts) {
  const auto choose = [&facts](const std::string& type) {
    for (const World world : {World::on_demand, World::provisioned_concurrency, World::snap_start,
                              World::managed_instances})
      if (initialization_type(world) == type) facts.world = world;
  };
  app.add_option_function<std::string>(
         "--init-type", choose,
         "on-demand (the default), provisioned-concurrency, snap-start, lambda-managed-instances")
      ->check(CLI::IsMember(
          {"on-demand", "provisioned-concurrency", "snap-start", "lambda-managed-instances"}));
  app.add_flag_callback(
      "--managed-instances", [&facts] { facts.world = World::managed_instances; },
      "Short for --init-type lambda-managed-instances");
  app.add_option("--max-concurrency", facts.max_concurrency,
                 "Invokes at once, on Managed Instances")
      ->check(CLI::Range(1U, 1000U))
      ->capture_default_str();
}

bool fits(const std::vector<Step>& script, World world) {
  return std::ranges::none_of(script, [world](const Step& step) {
    return (step.kind == StepKind::burst && world != World::managed_instances) ||
           (step.kind == StepKind::restore && world != World::snap_start);
  });
}

}  // namespace sandbox
