// How many shards of a plan are running at the moment, so that they share its rate limits.
#pragma once

#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "pipeline/fs/own_dir.h"
#include "s3/admission/admission_controller.h"

namespace pipeline {

// Each shard that runs has a file in PLAN/running. One that was killed leaves it behind until it is run
// again: it counts, so the others are slower than they might be, never faster.
class RunningShards {
 public:
  static constexpr std::chrono::seconds kFirstLook{3};

  // Announces the shard and keeps `limits->sharers` at the number of those that run, looking every few
  // seconds as long as there is a limit. Before the first look all of them might: they are started together.
  // Not owned.
  RunningShards(const std::string& plan_dir, int shard, int shards, s3::RateLimits* limits);
  ~RunningShards();
  RunningShards(const RunningShards&) = delete;
  RunningShards& operator=(const RunningShards&) = delete;

 private:
  void Watch();
  void Count();

  std::optional<OwnDir> directory_;
  const std::string own_;
  const std::chrono::milliseconds period_;  // after the first look
  s3::RateLimits* const limits_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool quit_ = false;
  std::thread thread_;
};

}  // namespace pipeline
