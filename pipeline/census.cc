#include "pipeline/census.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace pipeline {
namespace {

// All shards together read the directory a hundred times a second at most.
std::chrono::milliseconds PeriodOf(int shards) {
  return std::chrono::milliseconds(std::max(5000, shards * 10));
}

}  // namespace

Census::Census(const std::string& plan_dir, int shard, int shards, s3::RateLimits* limits)
    : directory_(plan_dir + "/running"),
      own_(fmt::format("{}/{:05}", directory_, shard)),
      period_(PeriodOf(shards)),
      limits_(limits) {
  std::error_code none;  // without it this shard is not counted by others, which is no reason to fail
  std::filesystem::create_directories(directory_, none);
  std::ofstream(own_).put('\n');
  limits_->sharers = shards;
  thread_ = std::thread([this] { Watch(); });
}

Census::~Census() {
  {
    std::lock_guard lock(mutex_);
    quit_ = true;
    changed_.notify_all();
  }
  thread_.join();
  std::error_code none;
  std::filesystem::remove(own_, none);
}

void Census::Watch() {
  std::unique_lock lock(mutex_);
  for (std::chrono::milliseconds pause = kFirstLook;
       !changed_.wait_for(lock, pause, [this] { return quit_; }); pause = period_) {
    if (limits_->bytes_per_second > 0 || limits_->requests_per_second > 0) Count();
  }
}

void Census::Count() {
  std::error_code error;
  int running = 0;
  for (std::filesystem::directory_iterator at(directory_, error), end; !error && at != end;
       at.increment(error)) {
    ++running;
  }
  limits_->sharers = std::max(running, 1);
}

}  // namespace pipeline
