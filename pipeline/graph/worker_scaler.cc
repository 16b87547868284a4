#include "pipeline/graph/worker_scaler.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pipeline {
namespace {

double InSeconds(std::chrono::duration<double> time) { return time.count(); }

}  // namespace

std::optional<int> WorkerScaler::Look(Clock::time_point now) {
  if (!IsDue(now)) return std::nullopt;
  const auto glance = now - looked_at_.load();
  looked_at_ = now;
  const std::uint64_t account = account_;
  const auto count = account & (kLeft - 1);
  const auto left = static_cast<Left>(account >> kCountBits);
  const auto bodies = static_cast<Left>(left - left_before_);
  const auto worked = (account >> kTimeAt << kTimeAt) + count * Time(now);
  // Who has entered a moment ago may be ahead of `now`: with nothing else at work, less than nothing was
  // done.
  const double seconds =
      static_cast<double>(static_cast<std::int64_t>(worked - worked_before_) >> kTimeAt) / 1e6;
  left_before_ = left;
  worked_before_ = worked;

  const double at_work = seconds / InSeconds(glance);
  // The little work of a moment says nothing of bodies.
  if (at_work > 0.5) {
    const bool are_long = seconds > bodies * InSeconds(kLong);
    full_of_long_ = are_long && at_work > kFull * few_ ? full_of_long_ + 1 : 0;
    long_ = are_long && (long_ || full_of_long_ == 2);
  }
  if (!long_) Add(seconds, glance);
  const int allowed = long_ ? most_ : few_;
  return std::exchange(allowed_, allowed) == allowed ? std::nullopt : std::optional(allowed);
}

void WorkerScaler::Add(double worked, Clock::duration time) {
  worked_ += worked;
  period_ += time;
  if (period_ < kPeriod) return;
  const double at_work = std::exchange(worked_, 0) / InSeconds(std::exchange(period_, {}));
  if (at_work > kFull * few_) {
    few_ = std::min(most_, few_ + few_ / 2);
    quiet_periods_ = needed_ = 0;
    return;
  }
  // As many as would be full with a tenth more work.
  needed_ = std::max(needed_, static_cast<int>(std::ceil(at_work * 1.1 / kFull)));
  if (++quiet_periods_ < kPatience) return;
  few_ = std::clamp(needed_, std::min(kMin, few_), few_);
  quiet_periods_ = needed_ = 0;
}

}  // namespace pipeline
