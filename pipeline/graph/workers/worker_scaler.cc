#include "pipeline/graph/workers/worker_scaler.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pipeline {
namespace {

// If fewer workers than this were busy on average, the sample does not show whether tasks are long.
constexpr double kMinBusy = 0.5;
// Workers are kept for a tenth more work than was measured, as a reserve.
constexpr double kReserve = 1.1;

double SecondsIn(std::chrono::duration<double> time) { return time.count(); }

}  // namespace

std::optional<int> WorkerScaler::Update(const LoadSample& sample) {
  UpdateLong(sample);
  if (!long_) UpdateFew(sample);
  const int allowed = long_ ? max_ : few_;
  if (std::exchange(allowed_, allowed) == allowed) return std::nullopt;
  return allowed;
}

void WorkerScaler::UpdateLong(const LoadSample& sample) {
  const double busy = sample.worked_s / SecondsIn(sample.length);
  if (busy <= kMinBusy) return;
  const bool tasks_are_long = sample.worked_s > sample.completed * SecondsIn(kLong);
  const bool few_are_full = busy > kFull * few_;
  full_of_long_ = tasks_are_long && few_are_full ? full_of_long_ + 1 : 0;
  long_ = tasks_are_long && (long_ || full_of_long_ == 2);
}

void WorkerScaler::UpdateFew(const LoadSample& sample) {
  worked_s_ += sample.worked_s;
  period_ += sample.length;
  if (period_ < kPeriod) return;
  const double busy = std::exchange(worked_s_, 0) / SecondsIn(std::exchange(period_, {}));
  if (busy > kFull * few_) {
    few_ = std::min(max_, few_ + few_ / 2);
    quiet_periods_ = needed_ = 0;
    return;
  }
  needed_ = std::max(needed_, static_cast<int>(std::ceil(busy * kReserve / kFull)));
  if (++quiet_periods_ < kPatience) return;
  few_ = std::clamp(needed_, std::min(kMin, few_), few_);
  quiet_periods_ = needed_ = 0;
}

}  // namespace pipeline
