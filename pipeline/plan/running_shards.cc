#include "pipeline/plan/running_shards.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace pipeline {
namespace {

// Returns a period that lets all shards together read the directory at most a hundred times a second.
std::chrono::milliseconds PeriodFor(int shards) {
  return std::chrono::milliseconds(std::max(5000, shards * 10));
}

}  // namespace

RunningShards::RunningShards(const std::string& plan_dir, int shard, int shards, s3::RateLimits* limits,
                             std::chrono::milliseconds first_pause)
    : own_(fmt::format("{:05}", shard)), limits_(limits) {
  const auto plan = OwnDir::Open(plan_dir, Trust::kOthers);
  auto running = plan.and_then([](const OwnDir& found) { return found.MakeDir("running"); });
  if (running) {
    directory_ = std::move(*running);
    (void)directory_->Create(own_, 0644);  // may fail if a killed run left the file; that file counts, too
  }
  limits_->sharers = shards;
  counting_.emplace(first_pause, [this, period = PeriodFor(shards)] {
    if (limits_->bytes_per_second > 0 || limits_->requests_per_second > 0) Count();
    return period;
  });
}

RunningShards::~RunningShards() {
  counting_.reset();
  if (directory_) directory_->Remove(own_);
}

void RunningShards::Count() {
  if (!directory_) return;
  if (const auto names = directory_->Names()) limits_->sharers = std::max(static_cast<int>(names->size()), 1);
}

}  // namespace pipeline
