// Everyone whom our children have started, whatever group or session they are in by now.
#pragma once

#include <vector>

#include <sys/types.h>

namespace sandbox {

/// Orphans among them become our children instead of init's: prctl(2), PR_SET_CHILD_SUBREAPER.
void adopt_orphans();

/// All of them; none where the kernel does not tell. proc(5): /proc/PID/task/TID/children.
[[nodiscard]] std::vector<pid_t> descendants();

/// Stops all of them, those too that are started meanwhile. Returns whom.
[[nodiscard]] std::vector<pid_t> stop_descendants();

}  // namespace sandbox
