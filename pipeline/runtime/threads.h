// Threads that a run can have, and their stacks.
#pragma once

#include <cstddef>

namespace pipeline {

// Of each body that waits, and of each worker. oneTBB does not look whether it was given one.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t kSlotStackBytes = 1 << 20;  // instrumented frames are several times as large
#else
inline constexpr std::size_t kSlotStackBytes = 256 << 10;
#endif

// How many of `wanted` threads, with a small stack each, can run at once now: RLIMIT_NPROC and the pids.max
// of control groups are limits that only an attempt tells.
int ThreadsThatStart(int wanted);

}  // namespace pipeline
