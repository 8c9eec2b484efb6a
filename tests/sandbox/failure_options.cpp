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

}  // namespace

void declare_failures(CLI::App& app, Options& options) { declare_memory(app, options); }

}  // namespace sandbox
