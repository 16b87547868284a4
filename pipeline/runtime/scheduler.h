// What the batch system or launcher says of this process, by its environment variables. Pure functions,
// except for the overload of SlurmJobEnd that says so. https://slurm.schedmd.com/srun.html and
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
// A launcher that started a single process says nothing: the next variable is asked. The number of an array's
// element is the shard's number, so some elements can be submitted again. How many shards there are follows
// from N, from `planned`, or from a whole Slurm array that starts at 0. kUnsupported, with a message for the
// user, when text and variables name no shard, or another number of shards than N or `planned`.
s3::Result<Shard> ParseShard(const std::string& text, std::optional<int> planned,
                             const s3::Environment& environment);

// Returns the variables that identify this process, for the records: job, array element, node, restarts.
std::map<std::string, std::string> SchedulerFacts(const s3::Environment& environment);

// Returns what SLURM_CPUS_PER_TASK, and SLURM_MEM_PER_NODE or SLURM_MEM_PER_CPU (both in MiB), grant this
// process. In a step, the memory of a node is divided by SLURM_STEP_TASKS_PER_NODE.
ResourceLimits SchedulerLimits(const s3::Environment& environment);

// Returns the end of the Slurm job, in seconds since 1970, from SLURM_JOB_END_TIME (Slurm 22.05 and later);
// nothing outside of a job. Ignores a time that can't be right, and tells `note`. A time that has passed was
// set by another job whose environment was inherited: it would end each requeued run before its first upload.
std::optional<std::int64_t> SlurmJobEnd(const s3::Environment& environment, std::int64_t now_s,
                                        const std::function<void(std::string_view)>& note);
// The same with the environment of this process and its clock.
std::optional<std::int64_t> SlurmJobEnd(const std::function<void(std::string_view)>& note);

}  // namespace pipeline
