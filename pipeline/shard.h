// Which part of a job a process uploads, when several upload it together. Values; pure functions.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "s3/base/environment.h"
#include "s3/base/result.h"

namespace pipeline {

struct Shard {
  int index = 0;  // from 0
  int count = 1;

  // Of a job without a plan: by SHA-256 of the key, its first 8 bytes as a big-endian number, modulo `count`.
  bool Has(std::string_view key) const;
  std::string Text() const;  // "3/8"
};

// `text` is "I/N", "auto" or "auto/N": `auto` asks the scheduler's or launcher's variables, in this order:
//   OMPI_COMM_WORLD_RANK and _SIZE, PMI_RANK and _SIZE, PMIX_RANK with SLURM_NTASKS,
//   SLURM_PROCID and SLURM_NTASKS (of a step, which SLURM_STEP_ID tells from the batch script),
//   SLURM_ARRAY_TASK_ID, PBS_ARRAY_INDEX, PBS_ARRAYID, LSB_JOBINDEX (from 1) less 1.
// One rank alone says nothing: the next variable is asked. The number of an array's element is the shard's,
// so that some elements can be submitted again; how many shards there are, N or `planned` must say, or a
// whole Slurm array from 0. kUnsupported, with a message for a person, when the text or the variables name no
// shard, or another number of them than N or `planned`.
// https://docs.open-mpi.org/en/v5.0.x/tuning-apps/environment-var.html
// https://slurm.schedmd.com/srun.html and https://slurm.schedmd.com/job_array.html, "environment variables"
s3::Result<Shard> ParseShard(const std::string& text, std::optional<int> planned,
                             const s3::Environment& environment);

// What the scheduler says of this process, for the records: job, array element, node, restarts.
std::map<std::string, std::string> SchedulerFacts(const s3::Environment& environment);

// "0,3-7"; `numbers` ascend.
std::string RangesText(const std::vector<int>& numbers);

}  // namespace pipeline
