// The CPUs and the memory that this process may use.
#pragma once

#include <cstdint>

#include "pipeline/options.h"

namespace pipeline {

struct ResourceLimits {
  int cpus = 0;                    // 0: no limit known
  std::uint64_t memory_bytes = 0;  // likewise
};

// Returns what the kernel grants: the CPUs of the affinity mask (sched_setaffinity(2)), and the limits of the
// control groups. Containers, and schedulers that set no environment variables, limit a process in these two
// ways.
ResourceLimits KernelLimits();

// Returns the stricter limit of both for each resource.
ResourceLimits Min(const ResourceLimits& one, const ResourceLimits& other);

// Sets `threads` to the CPU count unless the job set it. Always caps `memory_bytes` at the granted memory
// less the overhead of a run.
void ApplyTo(const ResourceLimits& granted, UploadOptions* options);

// Returns the maximum number of workers: `options.threads`, or one for each CPU if that is 0.
int CoresOf(const UploadOptions& options);

}  // namespace pipeline
