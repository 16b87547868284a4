// The fastest latency seen for each task size. A value, not thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace pipeline {

// While tasks are about as fast as the fastest task of their size, requests do not queue in the store.
class LatencyFloor {
 public:
  using Duration = std::chrono::steady_clock::duration;

  LatencyFloor() { fastest_.fill(Duration::max()); }

  // Records a task. Returns true if the task took at most kFast times as long as the fastest task of its size
  // so far, including this task.
  bool IsFast(std::uint64_t bytes, Duration took);

  static constexpr double kFast = 1.5;

 private:
  std::array<Duration, 65> fastest_;  // index n: sizes from 2^(n-1) to 2^n - 1 bytes; index 0: size 0
};

}  // namespace pipeline
