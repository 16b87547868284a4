// Reads the environment variables that a batch system or launcher sets for this process. Pure functions,
// except for the overload of SlurmJobEnd that reads the clock. https://slurm.schedmd.com/srun.html and
// https://slurm.schedmd.com/job_array.html, "environment variables"
// https://docs.open-mpi.org/en/v5.0.x/tuning-apps/environment-var.html
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/runtime/resource_limits.h"
#include "pipeline/shard.h"
#include "s3/base/environment.h"
#include "s3/base/result.h"

namespace pipeline {

// Returns the shard that `text` names: "I/N", "auto" or "auto/N". With `auto`, the first of these variables
// that is set decides:
//   OMPI_COMM_WORLD_RANK and _SIZE, PMI_RANK and _SIZE, PMIX_RANK with SLURM_NTASKS,
//   SLURM_PROCID and SLURM_NTASKS, if SLURM_STEP_ID is set, too (not in a batch script, which is no step),
//   SLURM_ARRAY_TASK_ID, PBS_ARRAY_INDEX, PBS_ARRAYID, LSB_JOBINDEX minus 1 (LSF counts from 1).
// If a launcher started only one process, its variables are ignored. The number of an array element is the
// number of its shard, so that single elements can be submitted again. The number of shards is N, or else
// `planned`, or else the number of processes, or the size of a whole Slurm array that starts at 0. Fails with
// kUnsupported and a message for the user if `text` and the variables name no shard, or if they contradict N
// or `planned`.
s3::Result<Shard> ParseShard(const std::string& text, std::optional<int> planned,
                             const s3::Environment& environment);

// Returns the variables that identify this process in the journal: job, array element, node, restarts.
std::map<std::string, std::string> SchedulerFacts(const s3::Environment& environment);

// Returns the CPUs that SLURM_CPUS_PER_TASK grants this process, and the memory that SLURM_MEM_PER_NODE or
// SLURM_MEM_PER_CPU (both in MiB) grant. In a step, the memory of the node is divided by
// SLURM_STEP_TASKS_PER_NODE.
ResourceLimits SchedulerLimits(const s3::Environment& environment);

// Returns the end of the Slurm job, in seconds since 1970, from SLURM_JOB_END_TIME (Slurm 22.05 and later).
// Returns nothing outside of a job. If the time is not plausible, ignores it and calls `note` with a message.
// A time in the past is not plausible, because it was inherited from another job: it would end each requeued
// run before its first upload.
std::optional<std::int64_t> SlurmJobEnd(const s3::Environment& environment, std::int64_t now_s,
                                        const std::function<void(std::string_view)>& note);
// The same, with the environment of this process and the system clock.
std::optional<std::int64_t> SlurmJobEnd(const std::function<void(std::string_view)>& note);

}  // namespace pipeline
