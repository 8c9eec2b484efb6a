#include "tests/sandbox/failure_options.hpp"

#include <string>

#include <CLI/CLI.hpp>

namespace sandbox {
namespace {

void declare_memory(CLI::App& app, Options& options) {
  app.add_option("--memory-limit-mib", options.isolation.memory_mib,
                 "Memory for function and extensions together; beyond it the kernel kills")
      ->check(CLI::Range(16U, 10240U));
  const auto tell = [&options](const std::string& as) { options.facts.oom_is_exit = as == "exit"; };
  app.add_option_function<std::string>("--oom-as", tell,
                                       "Out of memory is told as oom (Runtime.OutOfMemory) or exit")
      ->check(CLI::IsMember({"oom", "exit"}));
  const auto choose = [&options](const std::string& who) {
    options.oom_victim = who == "function"    ? OomVictim::function
                         : who == "extension" ? OomVictim::extension
                                              : OomVictim::largest;
  };
  app.add_option_function<std::string>("--oom-victim", choose,
                                       "Whom the kernel kills: function, extension, largest")
      ->check(CLI::IsMember({"function", "extension", "largest"}));
}

void declare_telemetry(CLI::App& app, TelemetryOptions& telemetry) {
  app.add_option("--telemetry-lose", telemetry.lost,
                 "Never deliver events of this type, such as runtimeDone; repeatable")
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_flag("--telemetry-reverse", telemetry.faults.reversed,
               "Each batch is all that waits, the newest event first");
  app.add_flag("--telemetry-forge", telemetry.forged,
               "At each start, runtimeDone and report of an invoke that never was");
  app.add_option("--telemetry-hold", telemetry.faults.held,
                 "So many batches of each subscriber wait until the next freeze is over");
  app.add_option("--telemetry-schema-max", telemetry.newest_schema,
                 "Later schema versions are refused")
      ->check(CLI::IsMember({"2022-07-01", "2022-12-13", "2025-01-29"}))
      ->capture_default_str();
}

}  // namespace

void declare_failures(CLI::App& app, Options& options) {
  declare_memory(app, options);
  declare_telemetry(app, options.telemetry);
}

}  // namespace sandbox
