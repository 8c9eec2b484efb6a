// Items of one data category, as the ledger takes them.
#pragma once

#include <cstdint>

#include "proto/category.hpp"

namespace support {

inline proto::CategoryCounts counts(proto::Category category, std::uint64_t quantity = 1) {
  proto::CategoryCounts counts;
  counts.add(category, quantity);
  return counts;
}

}  // namespace support
