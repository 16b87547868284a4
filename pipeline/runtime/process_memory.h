// How much memory this process has used.
#pragma once

#include <cstdint>

namespace pipeline {

// Returns the most resident memory (bytes) that this process has had so far; 0 when /proc does not say. Any
// thread.
std::uint64_t PeakMemoryBytes();

}  // namespace pipeline
