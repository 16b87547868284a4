#include "pipeline/worker_demand.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace pipeline {
namespace {

double Seconds(std::chrono::duration<double> time) { return time.count(); }

}  // namespace

std::optional<int> WorkerDemand::Look(Clock::time_point now) {
  if (!IsDue(now)) return std::nullopt;
  const auto glance = now - looked_at_.load();
  looked_at_ = now;
  const std::uint64_t account = account_;
  const auto count = account & (kLeft - 1);
  const auto left = (account >> kCountBits) & ((1 << kLeftBits) - 1);
  const auto worked = (account >> kTimeAt << kTimeAt) + count * Time(now);
  const auto bodies = static_cast<std::uint16_t>(left - left_before_);
  // Who has entered a moment ago may be ahead of `now`: with nothing else at work, less than nothing was
  // done.
  const double seconds =
      static_cast<double>(static_cast<std::int64_t>(worked - worked_before_) >> kTimeAt) / 1e6;
  left_before_ = left;
  worked_before_ = worked;

  const bool full = seconds > kFull * allowed_ * Seconds(glance);
  if (full && bodies < kSeldomPerSecond * Seconds(glance)) return Allow(most_);
  period_ += glance;
  worked_ += seconds;
  if (period_ < kPeriod) return std::nullopt;
  const double at_work = worked_ / Seconds(period_);
  period_ = {};
  worked_ = 0;
  return Decide(at_work);
}

std::optional<int> WorkerDemand::Decide(double at_work) {
  if (at_work > kFull * allowed_) return Allow(std::min(most_, allowed_ + (allowed_ + 1) / 2));
  // As many as would be full with a tenth more work.
  needed_ = std::max(needed_, static_cast<int>(std::ceil(at_work * 1.1 / kFull)));
  if (++quiet_periods_ < kPatience) return std::nullopt;
  return Allow(std::clamp(needed_, std::min(kLeast, allowed_), allowed_));
}

std::optional<int> WorkerDemand::Allow(int workers) {
  quiet_periods_ = needed_ = 0;
  if (std::exchange(allowed_, workers) == workers) return std::nullopt;
  return workers;
}

}  // namespace pipeline
