#include "tests/sandbox/world_options.hpp"

#include <string>

#include <CLI/CLI.hpp>

namespace sandbox {

void declare_world(CLI::App& app, FunctionFacts& facts) {
  const auto choose = [&facts](const std::string& type) {
    for (const World world :
         {World::on_demand, World::provisioned_concurrency, World::managed_instances})
      if (initialization_type(world) == type) facts.world = world;
  };
  app.add_option_function<std::string>(
         "--init-type", choose,
         "on-demand (the default), provisioned-concurrency, lambda-managed-instances")
      ->check(CLI::IsMember({"on-demand", "provisioned-concurrency", "lambda-managed-instances"}));
  app.add_flag_callback(
      "--managed-instances", [&facts] { facts.world = World::managed_instances; },
      "Short for --init-type lambda-managed-instances");
}

}  // namespace sandbox
