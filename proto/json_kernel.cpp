#include "proto/json_kernel.hpp"

#include <simdjson.h>
#if defined(__x86_64__)
#include <sys/platform/x86.h>
#endif

namespace proto {

void choose_json_kernel() {
#if defined(__x86_64__)  // the only architecture that leaves a choice
  const bool fits = CPU_FEATURE_ACTIVE(SSE4_2) && CPU_FEATURE_ACTIVE(PCLMULQDQ);
  const auto* kernel = simdjson::get_available_implementations()[fits ? "westmere" : "fallback"];
  if (kernel != nullptr) simdjson::get_active_implementation() = kernel;
#endif
}

}  // namespace proto
