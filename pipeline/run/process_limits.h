// Fits a run into the limits of its process: open files and address space (getrlimit(2)), and threads.
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/graph/concurrency_controller.h"
#include "pipeline/options.h"
#include "pipeline/runtime/threads.h"
#include "s3/base/result.h"

namespace pipeline {

// How much more of each resource the process may use. Empty: no limit.
struct ProcessLimits {
  std::optional<std::uint64_t> descriptors;
  std::optional<std::uint64_t> address_bytes;
};

// Returns RLIMIT_NOFILE and RLIMIT_AS minus what is in use now. (A launcher may have left descriptors open.)
ProcessLimits ReadProcessLimits();

// The size of a run: how much it does at once.
struct RunSize {
  SlotLimits slots;
  std::uint64_t memory_bytes = 0;  // for the bodies of all requests
};

// The address space that a run takes, in bytes. The defaults are those of a process that is only a run: its
// threads have stacks of 1 MiB and share one heap (cli/launch.cc).
struct AddressUse {
  std::uint64_t beside_slots = 40ull << 20;  // for the stacks of threads, the heap and certificates
  std::uint64_t slot_stack = kSlotStackBytes;
};

// Returns the address space that a run takes in the process of another program, which chooses the stacks:
// `stack` bytes for each suspended task and each worker of the program. `threads` is the number of threads
// that the run starts itself.
AddressUse AddressUseOfGuest(int threads, std::uint64_t stack);

// Reduces `size` until it fits into `limits`. Fails with kLocal, and a message for a person, if not even the
// smallest run fits. A slot needs a file, a connection and a stack. With several event loops, a slot needs a
// second connection, because each loop keeps its own idle connections.
s3::Result<RunSize> FitInto(const ProcessLimits& limits, int event_loops, RunSize size,
                            const AddressUse& use = {});

// The threads of a run whose number can be reduced.
struct RunThreads {
  int workers = 1;
  int event_loops = 1;
  int walkers = 1;
};

// Returns the number of all threads of a run: `threads`, plus the threads that every run has once.
int CountOf(const RunThreads& threads);

// Reduces `wanted` until the run needs at most `startable` threads: first the walkers, then the event loops,
// then the workers, each down to one. Workers come last because oneTBB ends the process if it cannot
// start a worker that it was allowed to start. Returns nothing if even one of each is too many.
std::optional<RunThreads> FitThreads(int startable, RunThreads wanted);

// Starts threads for a moment to count how many can start, and reduces the thread counts in `options` to
// that. Fails with kLocal, and a message for a person, if even the smallest run needs more.
s3::Result<void> FitThreads(int event_loops, Options* options);

}  // namespace pipeline
