// Finds out how many threads a run can have, and defines their stack size.
#pragma once

#include <cstddef>

namespace pipeline {

// The stack size of each suspended task and each worker. oneTBB does not check whether it got a stack.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr std::size_t kSlotStackBytes = 1 << 20;  // instrumented frames are several times larger
#else
inline constexpr std::size_t kSlotStackBytes = 256 << 10;
#endif

// Returns how many threads can run at the same time, up to `wanted`. Starts them with stacks of
// kSlotStackBytes, and ends them again. Blocks. Only an attempt can tell, because RLIMIT_NPROC and the
// pids.max of control groups also count threads of other processes.
int ThreadsThatStart(int wanted);

}  // namespace pipeline
