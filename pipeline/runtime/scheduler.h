// Reads what the batch system or launcher tells this process in environment variables. Pure functions, except
// for the overload of SlurmJobEnd that reads the clock. https://slurm.schedmd.com/srun.html and
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

// Returns the shard that `text` names: "I/N", "auto" or "auto/N". `auto` asks the variables, in this order:
//   OMPI_COMM_WORLD_RANK and _SIZE, PMI_RANK and _SIZE, PMIX_RANK with SLURM_NTASKS,
//   SLURM_PROCID and SLURM_NTASKS (of a step: a batch script has them, too, but no SLURM_STEP_ID),
//   SLURM_ARRAY_TASK_ID, PBS_ARRAY_INDEX, PBS_ARRAYID, LSB_JOBINDEX (from 1) less 1.
// If a launcher started only one process, its variables are ignored and the next ones are asked. The number
// of an array's element is the shard's number, so some elements can be submitted again. The number of shards
// is N, or `planned`, or the size of a whole Slurm array that starts at 0. Fails with kUnsupported and a
// message for the user if text and variables name no shard, or if they contradict N or `planned`.
s3::Result<Shard> ParseShard(const std::string& text, std::optional<int> planned,
                             const s3::Environment& environment);

// Returns the variables that identify this process, for the records: job, array element, node, restarts.
std::map<std::string, std::string> SchedulerFacts(const s3::Environment& environment);

// Returns the CPUs that SLURM_CPUS_PER_TASK grants this process, and the memory that SLURM_MEM_PER_NODE or
// SLURM_MEM_PER_CPU (both in MiB) grant. In a step, the memory of a node is divided by
// SLURM_STEP_TASKS_PER_NODE.
ResourceLimits SchedulerLimits(const s3::Environment& environment);

// Returns the end of the Slurm job, in seconds since 1970, from SLURM_JOB_END_TIME (Slurm 22.05 and later).
// Returns nothing outside of a job. A time that can't be right is ignored with a message to `note`. That
// includes a time in the past: it was inherited from another job, and would end each requeued run before its
// first upload.
std::optional<std::int64_t> SlurmJobEnd(const s3::Environment& environment, std::int64_t now_s,
                                        const std::function<void(std::string_view)>& note);
// The same with the environment of this process and its clock.
std::optional<std::int64_t> SlurmJobEnd(const std::function<void(std::string_view)>& note);

}  // namespace pipeline
