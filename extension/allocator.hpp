// What the C library's allocator does with what was freed.
#pragma once

#include <algorithm>
#include <climits>
#include <cstddef>

#include <malloc.h>

namespace extension {

/// What a large body took goes back to the function at once; left to itself the allocator learns to
/// keep it. Of small blocks it keeps up to `bytes`: a burst like the one before then needs no new
/// pages, each of which costs as much as a tenth of accepting an envelope. For the whole process.
inline void set_allocator(std::size_t bytes) {
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, static_cast<int>(std::min<std::size_t>(bytes, INT_MAX)));
}

}  // namespace extension
