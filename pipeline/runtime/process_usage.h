// Reports what this process has used: memory and CPU time. Any thread.
#pragma once

#include <cstdint>

namespace pipeline {

// Returns the peak resident memory of this process so far, in bytes; 0 if /proc is not readable.
std::uint64_t PeakMemoryBytes();
// Returns the CPU time of all threads so far, in seconds.
double ProcessCpuSeconds();

}  // namespace pipeline
