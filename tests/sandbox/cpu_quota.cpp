#include "tests/sandbox/cpu_quota.hpp"

#include <string>

namespace sandbox {
namespace {

/// Short, so that a share is many short pauses and not few long ones.
constexpr long kPeriodUs = 20000;

bool limit(const ControlGroup& group, long quota_us) {
  const std::string period = std::to_string(kPeriodUs), quota = std::to_string(quota_us);
  if (group.version() == 2)
    return group.write("cpu.max", (quota_us < 0 ? "max" : quota) + " " + period);
  return group.write("cpu.cfs_period_us", period) && group.write("cpu.cfs_quota_us", quota);
}

}  // namespace

CpuQuota::CpuQuota(double cores)
    : group_("cpu", [cores](const ControlGroup& group) {
        return limit(group, static_cast<long>(cores * static_cast<double>(kPeriodUs)));
      }) {}

CpuQuota::~CpuQuota() {
  // Dying takes time of the processor too.
  if (group_.ok()) [[maybe_unused]]
    const bool lifted = limit(group_, -1);
}

}  // namespace sandbox
