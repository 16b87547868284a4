// Reports the memory that this process has used.
#pragma once

#include <cstdint>

namespace pipeline {

// Returns the peak resident memory of this process so far, in bytes; 0 if /proc is not readable. Any thread.
std::uint64_t PeakMemoryBytes();

}  // namespace pipeline
