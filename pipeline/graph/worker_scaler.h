// How many workers oneTBB may use, decided from how busy they are. Pure: no clock, no threads.
#pragma once

#include <chrono>
#include <optional>

#include "pipeline/graph/worker_load.h"

namespace pipeline {

// oneTBB's idle workers look for tasks for a while before they sleep. Where tasks come every few microseconds
// they never sleep, and on a node with many cores that costs more than the work itself. So there are few
// workers while tasks are short, and all of them while tasks are long.
//
// Tasks that hang in a file system report nothing, so samples have to be taken by a timer, too.
class WorkerScaler {
 public:
  explicit WorkerScaler(int max) : max_(max), few_(max < kMin ? max : kMin), allowed_(few_) {}

  // Returns how many workers to allow from now on; nothing when that does not change.
  std::optional<int> Update(const LoadSample& sample);
  int allowed() const { return allowed_; }

  // This few cost nothing, and many small files seldom need more.
  static constexpr int kMin = 2;
  // When tasks fill this share of the workers' time in a period, half as many workers are added. The rest of
  // the time is oneTBB's own work.
  static constexpr double kFull = 0.85;
  static constexpr std::chrono::milliseconds kPeriod{10};
  // Workers are removed after this many periods in a row that needed fewer.
  static constexpr int kPatience = 10;
  // Tasks longer than this on average are long, as with hashing and with file systems that hang: idle workers
  // cost little then. All are allowed when the few were full of long tasks in two samples in a row, until
  // tasks are short again. Two, because the first tasks of small files are longer, too, for a moment.
  static constexpr std::chrono::microseconds kLong{50};

 private:
  void UpdateLong(const LoadSample& sample);
  void UpdateFew(const LoadSample& sample);

  const int max_;
  int few_;               // workers that short tasks need
  int full_of_long_ = 0;  // samples in a row
  bool long_ = false;
  int allowed_;
  // Of this period.
  std::chrono::steady_clock::duration period_{};
  double worked_s_ = 0;
  // Since the number last changed: periods that were not full, and the most workers that one of them needed.
  int quiet_periods_ = 0, needed_ = 0;
};

}  // namespace pipeline
