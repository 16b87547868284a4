#include "pipeline/plan/running_shards.h"

#include <fmt/format.h>

#include <algorithm>

namespace pipeline {
namespace {

// All shards together read the directory a hundred times a second at most.
std::chrono::milliseconds PeriodOf(int shards) {
  return std::chrono::milliseconds(std::max(5000, shards * 10));
}

}  // namespace

RunningShards::RunningShards(const std::string& plan_dir, int shard, int shards, s3::RateLimits* limits)
    : own_(fmt::format("{:05}", shard)), period_(PeriodOf(shards)), limits_(limits) {
  // Without it this shard is not counted by others, which is no reason to fail.
  const auto plan = OwnDir::Open(plan_dir, Trust::kOthers);
  auto running = plan.and_then([](const OwnDir& found) { return found.MakeDir("running"); });
  if (running) {
    directory_ = std::move(*running);
    (void)directory_->Create(own_, 0644);  // one that a killed run has left will do
  }
  limits_->sharers = shards;
  thread_ = std::thread([this] { Watch(); });
}

RunningShards::~RunningShards() {
  {
    std::lock_guard lock(mutex_);
    quit_ = true;
    changed_.notify_all();
  }
  thread_.join();
  if (directory_) directory_->Remove(own_);
}

void RunningShards::Watch() {
  std::unique_lock lock(mutex_);
  for (std::chrono::milliseconds pause = kFirstLook;
       !changed_.wait_for(lock, pause, [this] { return quit_; }); pause = period_) {
    if (limits_->bytes_per_second > 0 || limits_->requests_per_second > 0) Count();
  }
}

void RunningShards::Count() {
  if (!directory_) return;
  if (const auto names = directory_->Names()) limits_->sharers = std::max(static_cast<int>(names->size()), 1);
}

}  // namespace pipeline
