// Fits a run into the limits of its process: open files and addresses (getrlimit(2)), and threads.
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/graph/concurrency_controller.h"
#include "pipeline/options.h"
#include "s3/base/result.h"

namespace pipeline {

// How much of each resource the process may still take. Empty: no limit.
struct ProcessLimits {
  std::optional<std::uint64_t> descriptors;
  std::optional<std::uint64_t> address_bytes;
};

// Reads RLIMIT_NOFILE and RLIMIT_AS and subtracts what is in use: a launcher may have left descriptors open.
ProcessLimits ReadProcessLimits();

// How much a run does at once.
struct RunSize {
  SlotLimits slots;
  std::uint64_t memory_bytes = 0;  // for the bodies of all requests
};

// Reduces `size` until it fits into `limits`. Fails with kLocal, and a message for a person, if not even the
// smallest run fits. A slot needs a file, a connection and a stack. With several event loops it needs one
// connection more: each loop keeps idle connections of its own.
s3::Result<RunSize> FitInto(const ProcessLimits& limits, int event_loops, RunSize size);

// The threads of a run whose number can be reduced.
struct RunThreads {
  int workers = 1;
  int event_loops = 1;
  int walkers = 1;
};

// Returns the number of all threads of a run, including those of which it has only one.
int CountOf(const RunThreads& threads);

// Reduces `wanted` until the run needs at most `startable` threads: first the walkers, then the event loops,
// then the workers, each down to one. Workers come last because oneTBB ends the process if a worker that it
// was allowed cannot start. Returns nothing if one of each is still too much.
std::optional<RunThreads> FitThreads(int startable, RunThreads wanted);

// Starts threads to count how many can start, and reduces `options` to that. Fails with kLocal, and a message
// for a person, if no run fits.
s3::Result<void> FitThreads(int event_loops, Options* options);

}  // namespace pipeline
