// Counts the running shards of a plan, because they share the plan's rate limits.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "pipeline/fs/own_dir.h"
#include "s3/admission/admission_controller.h"
#include "s3/base/periodic_thread.h"

namespace pipeline {

// Each running shard has a file in PLAN/running. A killed shard leaves its file there, and is counted as
// running until it has run again. Until then the other shards may be slower than necessary, but never faster
// than allowed.
class RunningShards {
 public:
  static constexpr std::chrono::milliseconds kFirstPause{3000};

  // Creates the file of this shard. At first sets `limits->sharers` to the number of all shards, because
  // shards usually start together. After `first_pause`, and then every few seconds, sets `limits->sharers` to
  // the number of files, if there is a rate limit. If the plan's directory cannot be used, `limits->sharers`
  // stays the number of all shards, and other shards do not count this one. Does not own `limits`. Runs a
  // thread until it is destroyed.
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
