// Counts how many threads a run can have, and sets their stack size.
#pragma once

#include <cstddef>

namespace pipeline {

// The stack size of each suspended task and each worker. oneTBB does not check whether it got a stack.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t kSlotStackBytes = 1 << 20;  // instrumented frames are several times larger
#else
inline constexpr std::size_t kSlotStackBytes = 256 << 10;
#endif

// Tries to start up to `wanted` threads with small stacks, all at the same time, and ends them again. Blocks.
// Returns how many started. Only an attempt can tell: RLIMIT_NPROC and the pids.max of control groups count
// threads of others, too.
int ThreadsThatStart(int wanted);

}  // namespace pipeline
