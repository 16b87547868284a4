// Counts the shards of a plan that run now, because they share the plan's rate limits.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "s3/admission/admission_controller.h"
#include "s3/base/periodic_thread.h"

namespace pipeline {

// Each shard that runs has a file in PLAN/running. A shard that was killed leaves its file until it is run
// again, and is counted until then: the other shards are slower than they need to be, never faster than
// allowed.
class RunningShards {
 public:
  static constexpr std::chrono::milliseconds kFirstPause{3000};

  // Creates the file of this shard, and keeps `limits->sharers` (not owned) at the number of files, counted
  // every few seconds while there is a limit. Until the first count, after `first_pause`, it assumes that all
  // shards run: they are usually started together. Without access to the plan's directory it keeps that
  // number, and other shards do not count this one.
  RunningShards(const std::string& plan_dir, int shard, int shards, s3::RateLimits* limits,
                std::chrono::milliseconds first_pause = kFirstPause);
  ~RunningShards();
  RunningShards(const RunningShards&) = delete;
  RunningShards& operator=(const RunningShards&) = delete;

 private:
  void Count();

  std::optional<OwnDir> directory_;
  const std::string own_;  // name of this shard's file
  s3::RateLimits* const limits_;
  std::optional<s3::PeriodicThread> counting_;
};

}  // namespace pipeline
