// How much a run may do at once within the limits of its process: open files and addresses (getrlimit(2)).
#pragma once

#include <cstdint>
#include <optional>

#include "pipeline/graph/concurrency_controller.h"
#include "pipeline/options.h"
#include "s3/base/result.h"

namespace pipeline {

// How much of each resource the process may still take; empty when there is no limit.
struct ProcessLimits {
  std::optional<std::uint64_t> descriptors;
  std::optional<std::uint64_t> address_bytes;
};

// Reads RLIMIT_NOFILE and RLIMIT_AS and subtracts what is in use: a launcher may have left descriptors open.
ProcessLimits ReadProcessLimits();

// What a run does at once.
struct RunSize {
  SlotLimits slots;
  std::uint64_t memory_bytes = 0;  // of all bodies
};

// Makes `size` small enough for `limits`. kLocal, with a message for a person, when not even the smallest run
// fits. A slot takes a file, a connection and a stack; with several loops idle connections of one add to
// those in use of another.
s3::Result<RunSize> FitInto(const ProcessLimits& limits, int event_loops, RunSize size);

// The threads of a run that it can have fewer of.
struct RunThreads {
  int workers = 1;
  int event_loops = 1;
  int walkers = 1;
};

// Every thread of a run, with those that it has one of.
int CountOf(const RunThreads& threads);

// Makes `wanted` small enough for `startable` threads in all: first fewer walkers, since oneTBB ends the
// process when it gets no worker that it was allowed, then one event loop, then fewer workers. Nothing when
// one of each is too much.
std::optional<RunThreads> FitThreads(int startable, RunThreads wanted);

// Tries how many threads start, and makes `options` fit. kLocal, with a message for a person, when no run
// fits.
s3::Result<void> FitThreads(int event_loops, Options* options);

}  // namespace pipeline
