// Decides how many workers oneTBB may use, from samples of their load. Pure: no clock, no threads. Not
// thread-safe.
#pragma once

#include <chrono>
#include <optional>

#include "pipeline/graph/worker_load.h"

namespace pipeline {

// oneTBB's idle workers look for tasks for a while before they sleep. Where tasks come every few microseconds
// they never sleep, and on a node with many cores that costs more than the work itself. So there are few
// workers while tasks are short, and all of them while tasks are long.
//
// Tasks that hang in a file system report nothing, so a timer must take samples, too.
class WorkerScaler {
 public:
  explicit WorkerScaler(int max) : max_(max), few_(max < kMin ? max : kMin), allowed_(few_) {}

  // Returns how many workers to allow from now on; nothing when that does not change.
  std::optional<int> Update(const LoadSample& sample);
  int allowed() const { return allowed_; }

  // The minimum. Two workers cost nothing when idle, and many small files seldom need more.
  static constexpr int kMin = 2;
  // When tasks fill more than this share of the workers' time in a period, the number of workers grows by
  // half. The rest of the time is oneTBB's own work.
  static constexpr double kFull = 0.85;
  static constexpr std::chrono::milliseconds kPeriod{10};
  // Workers are removed after this many periods in a row that needed fewer.
  static constexpr int kPatience = 10;
  // Tasks are long if they take more than this on average, for example when they hash, or hang in a file
  // system. Then idle workers cost little. If the allowed workers were full of long tasks in two samples in a
  // row, all workers are allowed until tasks are short again. One sample is not enough: the first tasks of
  // small files are long, too.
  static constexpr std::chrono::microseconds kLong{50};

 private:
  void UpdateLong(const LoadSample& sample);
  void UpdateFew(const LoadSample& sample);

  const int max_;
  int few_;               // workers that short tasks need
  int full_of_long_ = 0;  // samples in a row
  bool long_ = false;
  int allowed_;
  // Sums since this period began.
  std::chrono::steady_clock::duration period_{};
  double worked_s_ = 0;
  // Since the last change: the number of periods that were not full, and the maximum of workers that one of
  // them needed.
  int quiet_periods_ = 0, needed_ = 0;
};

}  // namespace pipeline
