// Finds how many CPUs and how much memory this process may use.
#pragma once

#include <cstdint>

#include "pipeline/options.h"

namespace pipeline {

struct ResourceLimits {
  int cpus = 0;                    // 0: no limit known
  std::uint64_t memory_bytes = 0;  // 0: no limit known
};

// Returns the limits that the kernel enforces: the CPUs in the affinity mask (sched_setaffinity(2)), and the
// limits of the control groups. Containers use these limits, and so do schedulers that set no environment
// variables.
ResourceLimits KernelLimits();

// Returns the stricter limit for each resource.
ResourceLimits Min(const ResourceLimits& one, const ResourceLimits& other);

// If the job did not set `threads`, sets it to the number of granted CPUs. Always caps `memory_bytes` at the
// granted memory minus the overhead of a run.
void ApplyTo(const ResourceLimits& granted, UploadOptions* options);

// Returns the maximum number of workers: `options.threads`, or, if that is 0, one for each CPU.
int CoresOf(const UploadOptions& options);

}  // namespace pipeline
