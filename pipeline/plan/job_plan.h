// The directory that `s3flow plan` makes, and what is in it.
//
//   plan.json         this file's JobPlan; written last: with it the plan is whole, and never changes
//   job.yaml          the job file, as it was; for its owner only, as plan.json and the journals
//   manifests/00000   the inputs of shard 0, see pipeline/plan/manifest.h
//   running/00000     there while shard 0 is running, see pipeline/plan/running_shards.h
//   shards/00000/     the run directory of shard 0, made by its run
//   journal.jsonl     of the plan itself: the multipart uploads that shards share, created by `plan` and
//                     completed by `finish`; so `clean` ends them, as those of any run directory
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
  std::uint64_t requests = 0;  // at least so many
};

struct JobPlan {
  std::string id;  // random: results of one plan are never taken for another's
  std::string settings;
  std::string directory;  // the working directory it was made in
  std::vector<std::string> overrides;
  std::int64_t created_s = 0;  // since 1970
  std::uint64_t objects = 0;   // inputs of the job, each once
  std::uint64_t bytes = 0;
  std::uint64_t cut_objects = 0;  // of these, cut into ranges of parts,
  std::uint64_t ranges = 0;       // so many
  std::vector<ShardLoad> shards;

  std::uint64_t requests() const;
  // The most bytes that a shard has, and the most requests, each as a multiple of the mean.
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
// What the journal of a shard's run says it is; see RunRecord.
std::string ShardTextOf(int shard, int count, const std::string& plan_id);

std::string PlanJson(const JobPlan& plan);
// kLocal when there is none, or what is there is none.
s3::Result<JobPlan> LoadPlan(const OwnDir& plan_dir);

}  // namespace pipeline
