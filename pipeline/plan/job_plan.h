// The directory that `s3flow plan` writes, and its description plan.json.
//
//   plan.json         a JobPlan; written last, so a plan with this file is complete; never changed
//   job.yaml          a copy of the job file; readable by its owner only, as plan.json and the journals are
//   manifests/00000   the inputs of shard 0, see pipeline/plan/manifest.h
//   running/00000     exists while shard 0 runs, see pipeline/plan/running_shards.h
//   shards/00000/     the run directory of shard 0, created by its run
//   journal.jsonl     the plan's own journal, with the multipart uploads that shards share. `plan` creates
//                     them, `finish` completes them, `clean` aborts them.
//   summary.json      written by `finish`
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/fs/own_dir.h"
#include "s3/base/result.h"

namespace pipeline {

struct ShardLoad {
  std::uint64_t inputs = 0;  // lines of its manifest
  std::uint64_t bytes = 0;
  std::uint64_t requests = 0;  // if no request is repeated
};

struct JobPlan {
  std::string id;         // random, so that results of two plans are never mixed up
  std::string settings;   // of the job; `run --plan` and `finish` refuse a job with other settings
  std::string directory;  // working directory of `plan`; base of the source's relative paths
  std::vector<std::string> overrides;  // the texts of --set
  std::int64_t created_s = 0;          // since 1970
  std::uint64_t objects = 0;           // inputs of the job; a split file is one input
  std::uint64_t bytes = 0;
  std::uint64_t cut_objects = 0;  // files that are split into ranges of parts
  std::uint64_t ranges = 0;       // of all split files
  std::vector<ShardLoad> shards;

  std::uint64_t requests() const;
  // Return the bytes or requests of the largest shard, divided by the mean of all shards.
  double bytes_imbalance() const;
  double requests_imbalance() const;
};

inline constexpr char kPlanName[] = "plan.json";
inline constexpr char kPlannedJobName[] = "job.yaml";
inline constexpr char kManifestsName[] = "manifests";
inline constexpr char kShardsName[] = "shards";
std::string ManifestName(int shard);
std::string ShardRunDir(const std::string& plan_dir, int shard);
std::string ShardRunDirName(int shard);
// Returns the name of a shard in its run's journal (RunRecord::shard). `plan_id` is empty for a run without a
// plan.
std::string ShardTextOf(int shard, int count, const std::string& plan_id);

std::string PlanJson(const JobPlan& plan);
// Loads plan.json. Fails with kLocal if it is missing, damaged or of another version.
s3::Result<JobPlan> LoadPlan(const OwnDir& plan_dir);

// Returns a few lines for a person. The rates are assumed rates of all shards together; 0: unknown. If one of
// them is known, the lines include the minimum duration of the upload.
std::string PlanText(const JobPlan& plan, std::uint64_t bytes_per_second, std::uint64_t requests_per_second);

}  // namespace pipeline
