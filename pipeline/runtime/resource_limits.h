// What scheduler and kernel let this process have.
#pragma once

#include <cstdint>

#include "pipeline/options.h"
#include "s3/base/environment.h"

namespace pipeline {

struct ResourceLimits {
  int cpus = 0;                    // 0: not said
  std::uint64_t memory_bytes = 0;  // likewise
};

// From SLURM_CPUS_PER_TASK, and SLURM_MEM_PER_NODE (MiB; of a step, each of whose SLURM_STEP_TASKS_PER_NODE
// gets its part) or SLURM_MEM_PER_CPU. https://slurm.schedmd.com/srun.html, "output environment variables"
ResourceLimits SchedulerLimits(const s3::Environment& environment);

// The CPUs of the affinity mask, sched_setaffinity(2), within the limits of the control groups: of
// containers, and of schedulers that say nothing in the environment.
ResourceLimits KernelLimits();

// The stricter of both.
ResourceLimits Min(const ResourceLimits& one, const ResourceLimits& other);

// As many workers as CPUs, when the job does not say; bodies within what remains of the memory, whatever it
// says.
void ApplyTo(const ResourceLimits& allotment, UploadOptions* options);

// Workers at most: what the options say, or one for each CPU.
int CoresOf(const UploadOptions& options);

}  // namespace pipeline
