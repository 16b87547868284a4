// Limits the bytes per second of all connections together. Thread-safe.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "s3/base/mutex.h"

namespace s3::endpoint {

class BandwidthLimiter {
 public:
  // 0 means no limit.
  explicit BandwidthLimiter(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

  // Reserves `bytes` and returns how long the caller must wait before it continues.
  std::chrono::nanoseconds Take(std::uint64_t bytes) {
    using Clock = std::chrono::steady_clock;
    if (rate_ == 0 || bytes == 0) return {};
    const MutexLock lock(mutex_);
    const auto now = Clock::now();
    free_at_ = std::max(free_at_, now) + std::chrono::nanoseconds(static_cast<std::int64_t>(
                                             1e9 * static_cast<double>(bytes) / static_cast<double>(rate_)));
    return free_at_ - now;
  }

 private:
  const std::uint64_t rate_;
  Mutex mutex_;
  std::chrono::steady_clock::time_point free_at_ S3_GUARDED_BY(mutex_){};
};

}  // namespace s3::endpoint
