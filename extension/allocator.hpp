// What the C library's allocator does with large blocks.
#pragma once

#include <malloc.h>

namespace extension {

/// What a large body took goes back to the function at once; left to itself the allocator learns to
/// keep it. For the whole process.
inline void give_back_large_blocks() {
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

}  // namespace extension
