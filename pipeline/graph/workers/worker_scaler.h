// Decides how many workers oneTBB may use, from samples of their load. Pure: no clock, no threads. Not
// thread-safe.
#pragma once

#include <chrono>
#include <optional>

#include "pipeline/graph/workers/worker_load.h"

namespace pipeline {

// oneTBB's idle workers look for tasks for a while before they sleep. If new tasks start every few
// microseconds, idle workers never sleep, and on a node with many cores this costs more than the work itself.
// So few workers are allowed while tasks are short, and all workers while tasks are long.
//
// Tasks that hang in a file system trigger no samples, so a timer must take samples, too.
class WorkerScaler {
 public:
  explicit WorkerScaler(int max) : max_(max), few_(max < kMin ? max : kMin), allowed_(few_) {}

  // Returns how many workers to allow from now on; nothing if the number does not change.
  std::optional<int> Update(const LoadSample& sample);
  int allowed() const { return allowed_; }

  // The minimum number of workers. Two idle workers cost nothing, and many small files seldom need more.
  static constexpr int kMin = 2;
  // If tasks fill more than this share of the workers' time in a period, the number of workers grows by half.
  // The rest of the time is oneTBB's own work.
  static constexpr double kFull = 0.85;
  static constexpr std::chrono::milliseconds kPeriod{10};
  // If this many periods in a row needed fewer workers, workers are removed.
  static constexpr int kPatience = 10;
  // Tasks are long if they take more time than this on average, for example because they hash, or hang in a
  // file system. While tasks are long, idle workers cost little. If long tasks filled the time of the allowed
  // workers in two samples in a row, all workers are allowed until tasks are short again. One sample is not
  // enough, because the first tasks of small files are long, too.
  static constexpr std::chrono::microseconds kLong{50};

 private:
  void UpdateLong(const LoadSample& sample);
  void UpdateFew(const LoadSample& sample);

  const int max_;
  int few_;               // workers to allow while tasks are short
  int full_of_long_ = 0;  // samples in a row that were full of long tasks
  bool long_ = false;
  int allowed_;
  // The sums since the present period began.
  std::chrono::steady_clock::duration period_{};
  double worked_s_ = 0;
  // The number of periods that were not full since the last change, and the maximum number of workers that
  // such a period needed.
  int quiet_periods_ = 0, needed_ = 0;
};

}  // namespace pipeline
