// Tasks are owned here as in the relay: the same group, so that what was mended there is mended
// here.
#pragma once

#include "relay/task_group.hpp"

namespace sandbox {

using relay::TaskGroup;

}  // namespace sandbox
