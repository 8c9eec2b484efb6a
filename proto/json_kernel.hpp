// Which of its kernels simdjson uses.
#pragma once

namespace proto {

/// Takes libc's word for what the processor can. Left to itself simdjson asks the processor at its
/// first use, and in a virtual machine each such question is a trap to the hypervisor. Once, before
/// any JSON is read; without it all is right, too, and the start some 50 µs slower.
void choose_json_kernel();

}  // namespace proto
