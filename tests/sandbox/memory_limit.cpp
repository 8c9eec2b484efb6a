#include "tests/sandbox/memory_limit.hpp"

#include <cstdlib>
#include <sstream>
#include <string>

namespace sandbox {
namespace {

/// Swap is no way out. Without a file for it there is none.
bool limit(const ControlGroup& group, unsigned mib) {
  const std::string bytes = std::to_string(std::uint64_t{mib} << 20);
  const bool second = group.version() == 2;
  const bool done = group.write(second ? "memory.max" : "memory.limit_in_bytes", bytes);
  [[maybe_unused]] const bool no_swap =
      done && (second ? group.write("memory.swap.max", "0")
                      : group.write("memory.memsw.limit_in_bytes", bytes));
  return done;
}

}  // namespace

MemoryLimit::MemoryLimit(unsigned mib)
    : group_("memory", [mib](const ControlGroup& group) { return limit(group, mib); }) {}

std::uint64_t MemoryLimit::kills() const {
  std::istringstream lines(
      group_.read(group_.version() == 2 ? "memory.events" : "memory.oom_control"));
  std::string name;
  for (std::uint64_t number = 0; lines >> name >> number;)
    if (name == "oom_kill") return number;
  return 0;
}

std::uint64_t MemoryLimit::peak_mib() const {
  const std::string bytes =
      group_.read(group_.version() == 2 ? "memory.peak" : "memory.max_usage_in_bytes");
  constexpr std::uint64_t kMib = std::uint64_t{1} << 20;
  return (std::strtoull(bytes.c_str(), nullptr, 10) + kMib - 1) / kMib;
}

void MemoryLimit::begin_anew() {
  watch();
  if (group_.version() == 1) [[maybe_unused]]
    const bool forgotten = group_.write("memory.max_usage_in_bytes", "0");
}

}  // namespace sandbox
